/** Held ports and the proxy with a real kernel; the scenarios run in a process inside a throw-away host. */
import assert from 'node:assert/strict';
import { hostTest } from '../support/host.ts';

const NODE = new URL('../../scripts/node.sh', import.meta.url).pathname;
const SCENARIOS = new URL('scenarios.ts', import.meta.url).pathname;

function scenario(name: string, title: string, prefix: readonly string[] = []): void {
  hostTest(title, {}, async (host) => {
    await host.run('ip', '-6', 'address', 'add', 'fd00::1/128', 'dev', 'lo');
    const { stdout, stderr, code } = await host.exec([...prefix, 'sh', NODE, SCENARIOS, name]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^done$/m, `the process ended before its end\n${stderr}`);
    for (const line of stdout.split('\n'))
      if (line !== '' && line !== 'done') process.stdout.write(`${title}: ${line}\n`);
  });
}

scenario('206 ports', '206 ports of both families are held and let go');
scenario('conflicts', "another process's listener refuses the port, and ours refuses others");
scenario('kept only', 'without a proxy, connections are refused and datagrams dropped');
scenario('TIME_WAIT', 'connections in TIME_WAIT do not refuse a port');
scenario('tcp', 'TCP: half-close both ways, idle connections, resets, release');
scenario('another target', 'a held port can lead elsewhere');
scenario('big transfer', 'TCP: a quarter of a gigabyte past a slow reader');
scenario('both ways at once', 'TCP: large echoes, and connections that end in the middle');
scenario('many connections', 'TCP: 2,000 connections leave no descriptor');
scenario('no descriptors left', 'TCP: without descriptors, connections wait', ['prlimit', '--nofile=64:64']);
scenario('udp', 'UDP: a socket for each client, answers from the address that was asked');
scenario('udp clients without end', 'UDP: clients that come and do not go cost a bounded number of sockets');
scenario('sctp', 'SCTP: kept where the kernel has it');
