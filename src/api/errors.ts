/** The one table from what went wrong to the HTTP status, and the public text of anything thrown. */
import { BerthError, type ErrorKind } from '../errors.ts';

export const STATUS: Readonly<Record<ErrorKind, number>> = {
  NotModified: 304,
  InvalidParameter: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  Conflict: 409,
  System: 500,
  NotImplemented: 501,
  Unavailable: 503,
};

/** The client closed its connection: there is nobody left to answer. */
export class ClientGone extends Error {}

/** What is sent. An error that nobody meant for the client keeps its text to the log: it may hold anything. */
export function publicError(error: unknown): { status: number; message: string } {
  if (error instanceof BerthError) return { status: STATUS[error.kind], message: error.message };
  return { status: 500, message: 'internal error: see the log of berthd' };
}
