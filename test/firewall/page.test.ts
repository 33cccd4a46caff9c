/**
 * docs/firewall.md against a real run. Behind each line `<!-- run BACKEND: command -->` stands what the command says; UPDATE=1 writes it
 * anew, everything else in the page is by hand.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { network, port } from '../../src/firewall/fixture.ts';
import { hostTest } from '../support/host.ts';
import { BACKENDS, startFirewall } from './support.ts';

const page = new URL('../../docs/firewall.md', import.meta.url);
const block = /<!-- run (\w+): (.+) -->\n(?:\n```\n[^]*?\n```\n)?/g;

const state = {
  networks: [
    network('br-front', 2, 4),
    network('br-front', 2, 6),
    network('br-back', 3, 4, { internal: true }),
    network('br-back', 3, 6, { internal: true }),
  ],
  ports: [
    port('br-front', '172.18.0.2'),
    port('br-front', 'fd00:2::2'),
    port('br-front', '172.18.0.2', { hostAddress: '127.0.0.1', hostPort: 5432, port: 5432 }),
    port('br-front', '172.18.0.2', { protocol: 'udp', hostPort: 53, port: 53 }),
    port('br-front', 'fd00:2::2', { protocol: 'udp', hostPort: 53, port: 53 }),
  ],
  hosts: [
    { address: '203.0.113.2', port: 4789 },
    { address: '203.0.113.3', port: 4789 },
  ],
};

/** Other releases write the same rules in other words. */
const versions = ['nft', 'iptables']
  .map((program) => execFileSync(program, ['--version'], { encoding: 'utf8' }))
  .join();
const skip = /v1\.0\.6.*v1\.8\.9 \(nf_tables\)/s.test(versions)
  ? false
  : `the page was written with others: ${versions}`;

hostTest('the page that explains the rules shows those of a real run', { skip }, async (host) => {
  const text = readFileSync(page, 'utf8');
  const said = new Map<string, string>();
  await host.run('sh', '-c', 'for f in /proc/sys/net/bridge/bridge-nf-call-ip*tables; do echo 0 >$f; done');
  for (const backend of BACKENDS) {
    await using firewall = await startFirewall(host, backend);
    await firewall.set(state);
    for (const [, where, command = ''] of text.matchAll(block)) {
      if (where !== backend) continue;
      const output = await host.run(...command.split(' '));
      // Of one chain or set, the table around it says nothing.
      const inner = /^table inet berth \{\n(\t(?:chain|set|map) [^]*\n)\}\n$/
        .exec(output)?.[1]
        ?.replaceAll(/^\t/gm, '');
      said.set(command + where, command.includes('list table') ? output : (inner ?? output));
    }
    await firewall.remove();
  }
  const now = text.replaceAll(
    block,
    (_, where: string, command: string) =>
      `<!-- run ${where}: ${command} -->\n\n\`\`\`\n${command.startsWith('nft') ? '' : `# ${command}\n`}${said.get(command + where)?.trimEnd() ?? ''}\n\`\`\`\n`,
  );
  if (process.env['UPDATE'] === '1') writeFileSync(page, now);
  assert.equal(readFileSync(page, 'utf8'), now);
});
