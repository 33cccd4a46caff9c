/**
 * The certificates of a managed cluster, made by openssl (docs/decisions/0015): one authority, and a certificate of each host for
 * its address, good as server and as client. Keys are EC P-256 (FIPS 186-4), which every etcd and TLS 1.2 take.
 */
import { execFile } from 'node:child_process';
import { X509Certificate, createHash, generateKeyPair } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { invalidParameter, system, unavailable } from '../../errors.ts';

/** PEM both. */
export interface Authority {
  certificate: string;
  key: string;
}

export interface Subject {
  /** One word: the host's name. */
  name: string;
  /** The one address that the certificate is good for. */
  address: string;
}

const DAY = 24 * 60 * 60 * 1000;
const AUTHORITY_LIFE = 20 * 365 * DAY;
const HOST_LIFE = 10 * 365 * DAY;
/** Clocks of hosts differ: what was issued a moment ago is valid on one that is behind, too. */
const BACKDATED = DAY;
/** The authority's certificate is for none, and its section says so. */
const NO_ADDRESS = '::';
/** Milliseconds; openssl takes ten. */
const LONGEST_RUN = 20_000;

/** YYYYMMDDHHMMSSZ, in UTC. */
const timestamp = (milliseconds: number): string =>
  `${new Date(milliseconds).toISOString().replace(/[-:T]|\..*/g, '')}Z`;

/** openssl-ca(1): nothing of a request is believed but its key. */
const configuration = ({ address, from, until }: { address: string; from: number; until: number }): string => `
[ca]
default_ca = berth
[berth]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_startdate = ${timestamp(from)}
default_enddate = ${timestamp(until)}
default_md = sha256
policy = named
copy_extensions = none
[named]
commonName = supplied
[authority]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[host]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = IP:${address}
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
`;

/** A directory of openssl's own for as long as it takes; keys lie in it. */
class Desk implements AsyncDisposable {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async open(scratch: string): Promise<Desk> {
    // 0700: mkdtemp(3).
    return new Desk(await mkdtemp(`${scratch}/openssl-`));
  }

  async write(name: string, text: string): Promise<void> {
    await writeFile(`${this.#directory}/${name}`, text, { mode: 0o600 });
  }

  async read(name: string): Promise<string> {
    return readFile(`${this.#directory}/${name}`, 'utf8');
  }

  async openssl(...args: string[]): Promise<void> {
    try {
      await promisify(execFile)('openssl', args, {
        cwd: this.#directory,
        env: { PATH: process.env.PATH ?? '' },
        timeout: LONGEST_RUN,
      });
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
        throw unavailable('missing openssl: install it (Debian: apt-get install openssl)', error);
      }
      throw error;
    }
  }

  /** Of key.pem. */
  async request(subject: string): Promise<void> {
    // Of the configuration it needs nothing when the subject is given; the machine's own may ask for more.
    await this.openssl(
      'req',
      '-new',
      '-config',
      '/dev/null',
      '-key',
      'key.pem',
      '-subj',
      subject,
      '-out',
      'request.pem',
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}

async function newKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  return privateKey;
}

/** `scratch`: a directory that nobody else may read; empty again afterwards. */
export async function createAuthority(scratch: string, clusterId: string): Promise<Authority> {
  await using desk = await Desk.open(scratch);
  const key = await newKey();
  await desk.write('key.pem', key);
  const name = `/CN=Berth cluster ${clusterId}`;
  await desk.request(name);
  const args = ['-selfsign', '-keyfile', 'key.pem', '-extensions', 'authority', '-subj', name];
  return { certificate: await sign(desk, args, { address: NO_ADDRESS, life: AUTHORITY_LIFE }), key };
}

/** A key, and what proves to an authority that its holder asks (PKCS #10, RFC 2986). PEM both. */
export async function createRequest(scratch: string): Promise<{ key: string; request: string }> {
  await using desk = await Desk.open(scratch);
  const key = await newKey();
  await desk.write('key.pem', key);
  await desk.request('/CN=berth');
  return { key, request: await desk.read('request.pem') };
}

/** PEM of the certificate. InvalidParameter when the request is none, or not signed with its own key, or for another kind of key. */
export async function issue(
  scratch: string,
  { certificate, key }: Authority,
  request: string,
  { name, address }: Subject,
): Promise<string> {
  await using desk = await Desk.open(scratch);
  await desk.write('ca.pem', certificate);
  await desk.write('key.pem', key);
  await desk.write('request.pem', request);
  const args = ['-cert', 'ca.pem', '-keyfile', 'key.pem', '-extensions', 'host', '-subj', `/CN=${name}`];
  const issued = await sign(desk, args, { address, life: HOST_LIFE }).catch((error: unknown) => {
    // openssl says no by its exit code, or (3.0, a wrong signature) by writing nothing.
    const refused =
      error instanceof Error && 'code' in error && (typeof error.code === 'number' || error.code === 'ENOENT');
    throw refused ? invalidParameter('the certificate request is not valid', error) : error;
  });
  const { asymmetricKeyDetails } = new X509Certificate(issued).publicKey;
  if (asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw invalidParameter('the certificate request is not for an EC key on curve P-256');
  }
  return issued;
}

/** Of request.pem, good for `address` and so many milliseconds. PEM. */
async function sign(
  desk: Desk,
  args: readonly string[],
  { address, life }: { address: string; life: number },
): Promise<string> {
  const now = Date.now();
  await desk.write('openssl.cnf', configuration({ address, from: now - BACKDATED, until: now + life }));
  await desk.write('index.txt', '');
  const files = ['-config', 'openssl.cnf', '-in', 'request.pem', '-out', 'certificate.pem'];
  await desk.openssl('ca', '-batch', '-notext', ...files, ...args);
  return desk.read('certificate.pem');
}

/** SHA-256 of the certificate (DER): 32 bytes. */
export const fingerprintOf = (pem: string): Buffer =>
  createHash('sha256').update(new X509Certificate(pem).raw).digest();

/**
 * PEM of the first certificate in `pem`, and nothing else: whoever is given the text as authorities believes all that are in it, and
 * only the first one's fingerprint was compared. Throws when there is none.
 */
export const firstCertificate = (pem: string): string => new X509Certificate(pem).toString();

/** Throws System when a certificate that came from another host is not what this one asked for. */
export function checkCertificate(
  pem: string,
  { key, authority, address }: { key: X509Certificate['publicKey']; authority: string; address: string },
): void {
  const certificate = new X509Certificate(pem);
  const good =
    certificate.verify(new X509Certificate(authority).publicKey) &&
    certificate.publicKey.equals(key) &&
    certificate.checkIP(address) !== undefined;
  if (!good) throw system(`the certificate that was issued is not for this host at ${address}`);
}

/** Whether less than a third of its life is left. */
export function isOld(pem: string, now: number): boolean {
  const { validFromDate, validToDate } = new X509Certificate(pem);
  return validToDate.getTime() - now < (validToDate.getTime() - validFromDate.getTime()) / 3;
}
