/** This host goes into a cluster that another one has made a token for. Until its record is in the store, nothing was done. */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { conflict } from '../../errors.ts';
import { checkCertificate, createRequest, fingerprintOf } from './certificates.ts';
import type { ManagedContext } from './context.ts';
import { askToJoin, fetchAuthority } from './join-client.ts';
import { hostId } from './membership.ts';
import type { Membership } from './membership.ts';
import { parseToken } from './token.ts';
import type { JoinToken } from './token.ts';

export async function joinCluster(
  context: ManagedContext,
  { token: text, advertise }: { token: string; advertise: string },
): Promise<Membership> {
  const { scratch, store, randomHex, log } = context.deps;
  context.refuseGiven('join');
  const token = parseToken(text);
  const known = context.membership;
  if (known) return alreadyIn(context, known, token);
  const { hostName } = context;

  const { authority, localAddress } = await fetchAuthority(token);
  const address = context.address(advertise, localAddress);
  await context.sweep();
  await using undo = new AsyncDisposableStack();
  undo.defer(async () => context.sweep());
  const { key, request } = await createRequest(scratch);
  const { certificate, clusterId, endpoints, prefix, vxlanPort } = await askToJoin(token, authority, {
    secret: token.secret.toString('base64url'),
    request,
    name: hostName,
    address,
    hostId: hostId(store, randomHex),
  });
  checkCertificate(certificate, { key: createPublicKey(createPrivateKey(key)), authority, address });
  await context.writeFiles({ authority, certificate, key });
  const membership: Membership = { clusterId, hostName, address, prefix, vxlanPort, endpoints };
  undo.defer(async () => context.exit());
  await context.enter(membership);
  await context.settle(membership);
  undo.move();
  log.info('this host has joined a cluster', { cluster: clusterId, host: hostName, address });
  return membership;
}

/** Joining twice is no fault when it is the same cluster. */
async function alreadyIn(context: ManagedContext, known: Membership, token: JoinToken): Promise<Membership> {
  const authority = await readFile(context.files.authority, 'utf8');
  if (fingerprintOf(authority).equals(token.fingerprint)) return known;
  throw conflict('this host is in another cluster: "berth cluster leave" leaves that; then join');
}
