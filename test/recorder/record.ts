/** Sends stories to a daemon and keeps what it answers, in the form in which answers of two daemons can be compared. */
import http from 'node:http';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Call, Story } from './call.ts';
import { normalBody, normalHeaders, type Answered } from './normal.ts';

export interface Subject {
  socket: string;
  /** Directories of its own and what they are called in answers. */
  directories: Readonly<Record<string, string>>;
}

export interface Recorded {
  /** 'networks that are refused: POST /networks/create {"Name":""}' */
  call: string;
  answer: Answered;
}

/** The one that Debian's dockerd has. */
const VERSION = 'v1.41';
/** Milliseconds; nothing here takes longer, whatever the machine does. */
const LIMIT = 30_000;

interface Raw {
  status: number;
  headers: http.IncomingHttpHeaders;
  bytes: Buffer;
}

function send(socketPath: string, path: string, { method, body, headers, hijack }: Call): Promise<Raw> {
  const payload = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const all = {
    ...(payload === undefined
      ? {}
      : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(payload) }),
    ...(hijack === undefined ? {} : { Connection: 'Upgrade', Upgrade: 'tcp' }),
    ...headers,
  };
  return new Promise((resolve, reject) => {
    const settle = ({ statusCode: status = 0, headers }: http.IncomingMessage, stream: Readable): void => {
      void buffer(stream)
        .then((bytes) => ({ status, headers, bytes }))
        .then(resolve, reject);
    };
    const options = { socketPath, method, path, headers: all, agent: false, signal: AbortSignal.timeout(LIMIT) };
    const request = http.request(options, (response) => settle(response, response));
    request.on('upgrade', (response, socket, head) => {
      socket.unshift(head);
      settle(response, socket);
      socket.end(hijack ?? '');
    });
    request.on('error', (cause) => reject(new Error(`${method} ${path}: ${cause.message}`, { cause })));
    request.end(payload);
  });
}

/** A call as the report names it; long bodies are cut. */
function titleOf({ method, path, body, version }: Call): string {
  const json =
    body === undefined || Buffer.isBuffer(body) ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  const shown = `${method} ${version ?? ''}${decodeURIComponent(path)} ${json}`.trim();
  return shown.length > 160 ? `${shown.slice(0, 157)}…` : shown;
}

export async function record(subject: Subject, stories: readonly Story[]): Promise<Recorded[]> {
  const ids = new Map<string, string>();
  const words = new Map(Object.entries(subject.directories).map(([name, path]) => [path, name]));
  const recorded: Recorded[] = [];
  for (const { name, calls } of stories) {
    for (const call of calls) {
      // Events are looked for up to a moment that is over.
      if (call.path.includes('{now}')) await sleep(10);
      ids.set('now', `${Date.now() / 1000}`);
      const path = call.path.replace(/\{(\w+)\}/g, (whole, as: string) => ids.get(as) ?? whole);
      const version = call.version ?? VERSION;
      const target = `${version === '' ? '' : `/${version}`}${path}`;
      let raw = await send(subject.socket, target, call);
      for (let tries = 0; call.until && !call.until.test(raw.bytes.toString()) && tries < 100; tries++) {
        await sleep(100);
        raw = await send(subject.socket, target, call);
      }
      const headers = normalHeaders(raw.headers);
      if (call.as !== undefined) {
        const { Id, ID, Name } = JSON.parse(raw.bytes.toString() || '{}') as Record<string, string | undefined>;
        const id = Id ?? ID ?? Name ?? '';
        ids.set(call.as, id);
        if (id !== '') words.set(id, `<${call.as}>`).set(id.slice(0, 12), `<${call.as} short>`);
      }
      const body = normalBody(raw.bytes, headers['content-type'] ?? '', { words }, call.shape === true);
      recorded.push({ call: `${name}: ${titleOf(call)}`, answer: { status: raw.status, headers, body } });
    }
  }
  return recorded;
}
