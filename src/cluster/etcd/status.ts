/** What an etcd member's refusal means to the caller, and to whoever might ask another member. */
import { EtcdError } from './error.ts';
import { GrpcError, STATUS } from './grpc.ts';
import type { EtcdErrorCode } from './port.ts';

/**
 * api/v3rpc/rpctypes/error.go. Said before a request is proposed to the cluster, so it was not carried out: another member, or the same one
 * later, may be asked. Newer versions put more words behind, hence beginnings.
 */
const NOT_CARRIED_OUT = [
  'etcdserver: no leader',
  'etcdserver: rpc not supported for learner',
  'etcdserver: too many requests',
  'etcdserver: not capable',
];
/** Refused by the name that came with it: an expired token, or one of before a change of the roles. */
const TOKEN_REFUSED = ['etcdserver: invalid auth token', 'etcdserver: revision of auth store is old'];
const NO_NAME = 'etcdserver: user name is empty';
const AUTH_FAILED = 'etcdserver: authentication failed';
const AUTH_NOT_ENABLED = 'etcdserver: authentication is not enabled';
const COMPACTED = 'etcdserver: mvcc: required revision has been compacted';
const FUTURE = 'etcdserver: mvcc: required revision is a future revision';
const NO_LEASE = 'etcdserver: requested lease not found';
const LEASE_EXISTS = 'etcdserver: lease already exists';
/** Preconditions that come true by themselves. */
const NOT_YET = ['in sync with leader', 'not enough started members'];

const begins = (error: unknown, ...texts: string[]): boolean =>
  error instanceof GrpcError && texts.some((text) => error.message.startsWith(text));

export const tokenRefused = (error: unknown): boolean => begins(error, ...TOKEN_REFUSED, NO_NAME);
export const authNotEnabled = (error: unknown): boolean => begins(error, AUTH_NOT_ENABLED);
export const futureRevision = (error: unknown): boolean => error instanceof EtcdError && error.message.includes(FUTURE);
export const leaseExists = (error: unknown): boolean =>
  error instanceof EtcdError && error.message.includes(LEASE_EXISTS);

/** Of a watch that was cancelled: it gives the refusal as text only. */
export const deniedReason = (reason: string): boolean =>
  /permission denied|PermissionDenied|Unauthenticated|auth token|user name is empty/.test(reason);

/** May be asked again, of any member, even when asking changes something. */
export const notCarriedOut = (error: GrpcError): boolean => !error.sent || begins(error, ...NOT_CARRIED_OUT);

export function codeOf(error: GrpcError): EtcdErrorCode {
  if (begins(error, COMPACTED)) return 'compacted';
  if (begins(error, NO_LEASE)) return 'no-lease';
  if (tokenRefused(error) || begins(error, AUTH_FAILED)) return 'denied';
  switch (error.status) {
    case STATUS.permissionDenied:
    case STATUS.unauthenticated:
      return 'denied';
    case STATUS.failedPrecondition:
      return NOT_YET.some((text) => error.message.includes(text)) ? 'unavailable' : 'invalid';
    case STATUS.invalidArgument:
    case STATUS.notFound:
    case STATUS.alreadyExists:
    case STATUS.outOfRange:
    case STATUS.unimplemented:
      return 'invalid';
    default:
      return 'unavailable';
  }
}
