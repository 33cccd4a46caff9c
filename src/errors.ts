/**
 * Errors by what the caller can do about them. The public text is Docker's own wording where Docker has one; `cause`
 * stays private (it is logged, never sent). `api/errors.ts` holds the one table from kind to HTTP status.
 */
export type ErrorKind =
  | 'InvalidParameter'
  /** Credentials that somebody else (a registry) does not take. */
  | 'Unauthorized'
  | 'NotFound'
  | 'Conflict'
  | 'Forbidden'
  | 'NotModified'
  | 'Unavailable'
  | 'NotImplemented'
  | 'System';

export class BerthError extends Error {
  readonly kind: ErrorKind;
  constructor(kind: ErrorKind, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'BerthError';
    this.kind = kind;
  }
}

type Make = (message: string, cause?: unknown) => BerthError;
const make =
  (kind: ErrorKind): Make =>
  (message, cause) =>
    new BerthError(kind, message, cause === undefined ? undefined : { cause });

export const invalidParameter = make('InvalidParameter');
export const notFound = make('NotFound');
export const conflict = make('Conflict');
export const forbidden = make('Forbidden');
export const unauthorized = make('Unauthorized');
export const notModified = make('NotModified');
export const unavailable = make('Unavailable');
export const notImplemented = make('NotImplemented');
export const system = make('System');

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
