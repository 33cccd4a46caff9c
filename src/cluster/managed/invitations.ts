/** The tokens that this host has issued, and the endpoint for those who bring them: open while there is one, on the advertised address. */
import { readFile } from 'node:fs/promises';
import { conflict, forbidden, invalidParameter, messageOf, unavailable } from '../../errors.ts';
import { formatAddress, parseAddress } from '../../ipam/address.ts';
import { HOST_ID } from '../host-record.ts';
import { fingerprintOf, issue } from './certificates.ts';
import type { ManagedContext } from './context.ts';
import { isHostName } from './host-name.ts';
import { JOIN_PORT, JoinEndpoint } from './join-endpoint.ts';
import type { JoinAnswer, JoinRequest } from './join-endpoint.ts';
import { putTokens, tokensOf } from './membership.ts';
import type { Membership } from './membership.ts';
import type { Invitation } from './port.ts';
import { readAuthority } from './secrets.ts';
import { admits, encodeToken, hashOf, newSecret } from './token.ts';

/** Seconds. */
const LIFE = { least: 60, most: 7 * 24 * 60 * 60 };
/** More at once nobody needs. */
const MOST = 100;

export class Invitations {
  readonly #context: ManagedContext;
  #endpoint: JoinEndpoint | undefined;

  constructor(context: ManagedContext) {
    this.#context = context;
  }

  /** `life`: seconds. Unavailable when nobody could be let in. */
  async issue(life: number): Promise<Invitation> {
    const { store, now } = this.#context.deps;
    const membership = this.#context.member('token');
    if (life < LIFE.least || life > LIFE.most) {
      throw invalidParameter(`a token lives between ${LIFE.least} seconds and 7 days, not ${life} seconds`);
    }
    const tokens = tokensOf(store, now());
    if (tokens.length >= MOST) throw conflict(`there are ${MOST} tokens that are still valid`);
    // Without the authority's key, who comes with it is sent away.
    const { certificate } = await readAuthority(this.#context.etcd, membership.prefix);
    const [secret, ends] = [newSecret(), now() + life * 1000];
    putTokens(store, [...tokens, { hash: hashOf(secret), ends }]);
    try {
      await this.refresh();
    } catch (error) {
      putTokens(store, tokens);
      throw unavailable(`cannot listen at ${membership.address}, port ${JOIN_PORT}: ${messageOf(error)}`, error);
    }
    const token = encodeToken({
      address: membership.address,
      port: JOIN_PORT,
      fingerprint: fingerprintOf(certificate),
      secret,
    });
    return { token, expires: new Date(ends).toISOString() };
  }

  /** The endpoint is open if a token is valid, and only then. */
  async refresh(): Promise<void> {
    const { membership } = this.#context;
    const { store, now, log } = this.#context.deps;
    const wanted = membership !== undefined && !membership.leaving && tokensOf(store, now()).length > 0;
    if (!wanted) return this.close();
    if (this.#endpoint) return;
    const { key, certificate, authority } = this.#context.files;
    const [own, shown, by] = await Promise.all(
      [key, certificate, authority].map(async (file) => readFile(file, 'utf8')),
    );
    this.#endpoint = await JoinEndpoint.open({
      address: membership.address,
      key: own ?? '',
      certificate: shown ?? '',
      authority: by ?? '',
      admit: async (request) => this.#admit(request),
      log,
    });
  }

  async close(): Promise<void> {
    const endpoint = this.#endpoint;
    this.#endpoint = undefined;
    await endpoint?.close();
  }

  async #admit({ secret, request, name, address, hostId }: JoinRequest): Promise<JoinAnswer> {
    const { store, now, scratch, log } = this.#context.deps;
    if (!admits(tokensOf(store, now()), Buffer.from(secret, 'base64url'), now())) {
      throw forbidden('the token is not valid, or not any more: run "berth cluster token" for a new one');
    }
    const membership = this.#context.member('join');
    const subject = checkedSubject({ name, address, hostId });
    this.#checkTaken(membership, { ...subject, hostId });
    const authority = await readAuthority(this.#context.etcd, membership.prefix).catch((error: unknown) => {
      throw unavailable('the etcd of the cluster does not answer: try again when it does', error);
    });
    const certificate = await issue(scratch, authority, request, subject);
    log.info('a host was let into the cluster', subject);
    const { clusterId, prefix, vxlanPort, endpoints } = membership;
    return { certificate, clusterId, prefix, vxlanPort, endpoints: [...endpoints] };
  }

  /** The registry has the last word; here it can be said before anything is made. */
  #checkTaken(
    { hostName, address: own }: Membership,
    { name, address, hostId }: { name: string; address: string; hostId: string },
  ): void {
    const taken = this.#context.deps.registry
      .status()
      .hosts.find((host) => host.id !== hostId && (host.name === name || host.address === address));
    if (name === hostName || taken?.name === name) {
      throw conflict(`the cluster has a host ${name} already: start berthd with another --cluster-name`);
    }
    if (address === own || taken) throw conflict(`the cluster has a host at ${address} already`);
  }
}

/** Of this host only, of nobody (RFC 4291, 2.5 and RFC 5735), of everybody: '::' begins what is none of a link. */
const NOBODYS = /^(0\.|127\.|169\.254\.|22[4-9]\.|2[3-5]\d\.|::|ff|fe[89ab])/;

/** What becomes part of a certificate and of a configuration: one name, one address. */
function checkedSubject({ name, address: text, hostId }: { name: string; address: string; hostId: string }): {
  name: string;
  address: string;
} {
  const parsed = parseAddress(text);
  const address = parsed ? formatAddress(parsed) : '';
  if (!isHostName(name) || !HOST_ID.test(hostId)) throw invalidParameter('the name or ID of the host is not valid');
  if (address === '' || NOBODYS.test(address)) {
    throw invalidParameter('the address of the host is none that others can use');
  }
  return { name, address };
}
