/** The joining host's side of the join endpoint. It believes the fingerprint in its token and nobody else. */
import { request } from 'node:https';
import type { RequestOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { conflict, forbidden, invalidParameter, messageOf, system, unavailable } from '../../errors.ts';
import type { BerthError } from '../../errors.ts';
import { parseAddress, formatAddress } from '../../ipam/address.ts';
import { fingerprintOf, firstCertificate } from './certificates.ts';
import { BODY_LIMIT, decodeAnswer } from './join-endpoint.ts';
import type { JoinAnswer, JoinRequest } from './join-endpoint.ts';
import type { JoinToken } from './token.ts';

/** Milliseconds without a byte. */
const PATIENCE = 15_000;
const LONGEST_JOIN = 60_000;
/** Milliseconds of a whole request, however fast or slowly the bytes of its answer come. */
const LONGEST_REQUEST = 90_000;

interface Reply {
  status: number;
  body: string;
  /** Of this host, by which it reaches the other. */
  localAddress: string;
}

type Issuer = Pick<JoinToken, 'address' | 'port'>;

/**
 * The authority's certificate (PEM), from whoever answers, if it is the token's: Forbidden otherwise. With it the address by which
 * this host reaches the cluster.
 */
export async function fetchAuthority(token: JoinToken): Promise<{ authority: string; localAddress: string }> {
  const { body, localAddress, status } = await ask(token, { method: 'GET', path: '/ca', rejectUnauthorized: false });
  let authority: string | undefined;
  try {
    authority = status === 200 ? firstCertificate(body) : undefined;
  } catch {
    // No certificate at all.
  }
  if (authority === undefined || !fingerprintOf(authority).equals(token.fingerprint)) {
    throw forbidden(
      `${token.address} is not the host that made this token: it has another certificate authority. Nothing was told to it`,
    );
  }
  return { authority, localAddress };
}

/** What the issuing host says no to is thrown as it says it. */
export async function askToJoin(issuer: Issuer, authority: string, wish: JoinRequest): Promise<JoinAnswer> {
  const options = { method: 'POST', path: '/join', ca: authority, headers: { 'Content-Type': 'application/json' } };
  const { status, body } = await ask(issuer, { ...options, timeout: LONGEST_JOIN }, JSON.stringify(wish));
  if (status !== 200) throw refusal(status, body);
  try {
    return decodeAnswer(body);
  } catch (cause) {
    throw system(`${issuer.address} answered what Berth does not understand; is it of another version?`, cause);
  }
}

function refusal(status: number, body: string): BerthError {
  let message = '';
  try {
    const parsed = (JSON.parse(body) as { message?: unknown } | null)?.message;
    message = typeof parsed === 'string' ? parsed : '';
  } catch {
    // Said below.
  }
  const text = message || `the host that made the token answered with status ${status}; its log says why`;
  const make = { 400: invalidParameter, 403: forbidden, 409: conflict, 503: unavailable }[status] ?? system;
  return make(text);
}

/** Of one request on a connection of its own. Unavailable when the host cannot be reached, saying what may be the reason. */
async function ask({ address, port }: Issuer, options: RequestOptions, body = ''): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error & { code?: string }): void => reject(unreachable(`${address}, port ${port}`, error));
    const outgoing = request(
      {
        timeout: PATIENCE,
        ...options,
        host: address,
        port,
        agent: false,
        maxHeaderSize: 4096,
        signal: AbortSignal.timeout(LONGEST_REQUEST),
      },
      (response) => {
        const localAddress = normal(response.socket.localAddress ?? '');
        readReply(response).then(
          (text) => resolve({ status: response.statusCode ?? 0, body: text, localAddress }),
          failed,
        );
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')));
    outgoing.on('error', failed);
    outgoing.end(body);
  });
}

async function readReply(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT) throw new Error('the answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** '::ffff:192.0.2.1' is how a socket of both families calls an IPv4 address (RFC 4291, 2.5.5.2). */
function normal(address: string): string {
  const parsed = parseAddress(address.replace(/^::ffff:(?=\d+\.)/i, ''));
  return parsed ? formatAddress(parsed) : '';
}

function unreachable(where: string, error: Error & { code?: string }): BerthError {
  if (error.code === 'CERT_NOT_YET_VALID' || error.code === 'CERT_HAS_EXPIRED') {
    return unavailable(
      `the certificate of ${where} is not valid by this host's clock (${new Date().toISOString()}): set the clock`,
      error,
    );
  }
  return unavailable(
    `cannot join by ${where} (TCP): ${messageOf(error)}. A host listens there only while a token of its own is valid: run ` +
      '"berth cluster token" on it for a new one, and look that no firewall is between',
    error,
  );
}
