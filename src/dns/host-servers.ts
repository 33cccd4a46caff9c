/**
 * The name servers of the host, as they change: NetworkManager, a DHCP client or systemd-resolved rewrite resolv.conf at any
 * time. It is looked at when somebody asks, at most once a second, so that an idle process sleeps.
 */
import { readFileSync } from 'node:fs';
import { parseAddress } from '../ipam/address.ts';
import { hostResolvConf, parseResolvConf } from '../network/resolv-conf.ts';

const EVERY = 1000;
/** dockerd's choice when the host names none. */
const PUBLIC_SERVERS = ['8.8.8.8', '8.8.4.4', '2001:4860:4860::8888', '2001:4860:4860::8844'];

export interface HostServers {
  addresses: readonly string[];
  /** False for the public ones: they are asked from inside the container's namespace. */
  fromHost: boolean;
}

export class HostServersFile {
  readonly #root: string;
  readonly #now: () => number;
  #looked = Number.NEGATIVE_INFINITY;
  #text: string | undefined;
  #servers: HostServers = { addresses: PUBLIC_SERVERS, fromHost: false };

  /** `root`: the directory that is the host's root. `now`: milliseconds. */
  constructor(root: string, now: () => number) {
    this.#root = root;
    this.#now = now;
  }

  /** The same object as long as nothing changed. */
  get(): HostServers {
    const now = this.#now();
    if (now - this.#looked < EVERY) return this.#servers;
    this.#looked = now;
    const { text } = hostResolvConf((path) => this.#read(path));
    if (text !== this.#text) {
      this.#text = text;
      const addresses = parseResolvConf(text).nameservers.filter(isServer);
      this.#servers =
        addresses.length > 0 ? { addresses, fromHost: true } : { addresses: PUBLIC_SERVERS, fromHost: false };
    }
    return this.#servers;
  }

  #read(path: string): string | undefined {
    try {
      return readFileSync(`${this.#root}${path}`, 'utf8');
    } catch {
      return undefined;
    }
  }
}

/** fe80::1%eth0 is one: routers announce such. */
function isServer(text: string): boolean {
  const [address = '', zone] = text.split('%');
  return zone === undefined ? parseAddress(address) !== undefined : parseAddress(address)?.family === 6 && zone !== '';
}
