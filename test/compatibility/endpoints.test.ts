/** Calls every endpoint of the API once, and says in docs/compatibility.md how it is answered. */
import assert from 'node:assert/strict';
import { request, type Options } from '../api/client.ts';
import type { Answer } from '../api/standin.ts';
import { tarOf, ociArchive } from '../images/support.ts';
import type { Daemon } from '../support/daemon.ts';
import { hostTest } from '../support/host.ts';
import { ENDPOINTS, type Endpoint } from './endpoints.ts';
import { checkSection, literal, table } from './page.ts';
import { things, type Things } from './things.ts';

const FILE = tarOf([{ name: 'file', body: 'content\n' }]);
const IMAGE = ociArchive([[{ name: 'file', body: 'content\n' }]], { name: 'docker.io/library/loaded:latest' }).archive;

async function ask(daemon: Daemon, make: Things, endpoint: Endpoint): Promise<Answer> {
  const { what, of, other, query, body, archive, hijack } = endpoint;
  const [thing, second] = [of && (await make.make(of)), other && (await make.make(other))];
  const filled = (text: string): string => text.replace('OTHER', second ?? '').replace('REGISTRY', make.registry);
  const [method = '', path = ''] = what.split(' ');
  const target = path.replace(/\{\w+\}/, thing ?? 'x') + (query === undefined ? '' : `?${filled(query)}`);
  const options: Options = {
    ...(hijack === undefined ? {} : { hijack }),
    ...(body === undefined ? {} : { body: filled(JSON.stringify(body)) }),
    ...(archive === undefined ? {} : { body: archive === 'file' ? FILE : IMAGE }),
    ...(archive === undefined ? {} : { headers: { 'Content-Type': 'application/x-tar' } }),
  };
  return request(daemon.socket, method, `/v1.52${target}`, options);
}

/** The cell of the page. */
function judge({ what }: Endpoint, { status, text, json }: Answer): string {
  if (status < 400) {
    // Of what is answered bit by bit the status is sent before anybody knows how it ends.
    const failure = /\{"error(?:Detail)?":[^]*\}/.exec(text)?.[0];
    assert.equal(failure, undefined, 'the answer begins well and ends with an error');
    return 'works';
  }
  if (what.startsWith('HEAD ')) return `${status}`;
  const { message } = (json ?? {}) as { message?: unknown };
  assert.ok(typeof message === 'string' && message !== '', `status ${status} without a message: ${text}`);
  assert.notEqual(message, 'page not found');
  assert.notEqual(status, 500, message);
  return `${status}: ${literal(message)}`;
}

hostTest('every endpoint of the Engine API is answered as docs/compatibility.md says', {}, async (host) => {
  const daemon = await host.startDaemon();
  await using make = await things(host, daemon);
  const failures: string[] = [];
  const parts: string[] = [];
  for (const [noun, endpoints] of Object.entries(ENDPOINTS)) {
    const rows: string[][] = [];
    for (const endpoint of endpoints) {
      try {
        rows.push([`\`${endpoint.what}\``, judge(endpoint, await ask(daemon, make, endpoint))]);
      } catch (error) {
        failures.push(`${endpoint.what}: ${(error as Error).message}`);
      }
    }
    parts.push(`### ${noun}\n\n${table(['endpoint', 'answer'], rows)}`);
  }
  assert.deepEqual(failures, []);
  checkSection('endpoints', parts.join('\n\n'));
  await daemon.dockerOk('volume', 'prune', '-af');
});
