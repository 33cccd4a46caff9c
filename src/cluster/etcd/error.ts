import type { EtcdErrorCode } from './port.ts';

/** What every call to Etcd rejects with. The message is for a log or an administrator: which member, what it said. */
export class EtcdError extends Error {
  readonly code: EtcdErrorCode;
  constructor(code: EtcdErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'EtcdError';
    this.code = code;
  }
}
