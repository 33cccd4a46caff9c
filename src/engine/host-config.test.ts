import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ContainerConfig, HostConfig } from '../model/container.ts';
import { checkHostConfig, logSize } from './host-config.ts';
import { sampleConfig, sampleHost } from './testing-samples.ts';

const machine = {
  cpus: 2,
  memoryNodes: 1,
  swapLimit: true,
  blkioWeight: false,
  blkioThrottle: false,
  realtime: true,
  runtimes: ['crun', 'runc'],
  architecture: 'x64',
};
const check = (host: Partial<HostConfig>, config: Partial<ContainerConfig> = {}): string[] =>
  checkHostConfig(sampleConfig(config), sampleHost(host), machine);

void describe('refused with dockerd’s texts', () => {
  for (const [host, text] of [
    [{ Memory: 1024 }, /^BerthError: Minimum memory limit allowed is 6MB$/],
    [{ Memory: 64 << 20, MemorySwap: 1 << 20 }, /Minimum memoryswap limit should be larger/],
    [{ MemorySwap: 1 << 20 }, /You should always set the Memory limit/],
    [{ MemorySwappiness: 101 }, /valid memory swappiness range is 0-100/],
    [{ NanoCpus: 3e9 }, /range of CPUs is from 0\.01 to 2\.00, as there are only 2 CPUs available/],
    [{ NanoCpus: 1e9, CpuQuota: 5000 }, /Conflicting options: Nano CPUs and CPU Quota cannot both be set/],
    [{ CpuPeriod: 10 }, /CPU cfs period can not be less than 1ms/],
    [{ CpusetCpus: '0-9' }, /Requested CPUs are not available - requested 0-9, available: 0-1/],
    [{ CpusetCpus: 'x' }, /Invalid value x for cpuset cpus/],
    [{ IpcMode: 'nope' }, /invalid IPC mode: nope/],
    [{ PidMode: 'container:' }, /invalid PID mode: container:/],
    [{ UTSMode: 'private' }, /invalid UTS mode: private/],
    [{ Sysctls: { 'vm.swappiness': '1' } }, /sysctl vm\.swappiness is not in a separate kernel namespace/],
    [
      { Sysctls: { 'net.x': '1' }, NetworkMode: 'host' },
      /^BerthError: sysctl 'net\.x' not allowed in host network namespace$/,
    ],
    [{ CapAdd: ['FLY'] }, /: invalid CapAdd: unknown capability: "CAP_FLY"$/],
    [{ CapDrop: ['cap_fly'] }, /: invalid CapDrop: unknown capability: "CAP_FLY"$/],
    [{ SecurityOpt: ['what'] }, /invalid --security-opt 1: "what"/],
    [{ SecurityOpt: ['what=x'] }, /invalid --security-opt 2: "what=x"/],
    [{ SecurityOpt: ['seccomp={'] }, /Decoding seccomp profile failed/],
    [{ LogConfig: { Type: 'fluentd', Config: {} } }, /logger: no log driver named 'fluentd' is registered/],
    [{ LogConfig: { Type: '', Config: { 'max-size': 'big' } } }, /invalid size: 'big'/],
    [{ Runtime: 'kata' }, /unknown or invalid runtime name: kata/],
    [{ Ulimits: [{ Name: 'files', Hard: 1, Soft: 1 }] }, /invalid ulimit type: files/],
    [
      { Ulimits: [{ Name: 'nofile', Hard: 1, Soft: 2 }] },
      /ulimit soft limit must be less than or equal to hard limit: 2 > 1/,
    ],
  ] as const) {
    void test(String(text), () => assert.throws(() => check(host as unknown as Partial<HostConfig>), text));
  }
});

void test('accepted as it is', () => {
  assert.deepEqual(
    check({ SecurityOpt: ['apparmor=unconfined', 'label=disable', 'no-new-privileges'], CpusetCpus: '0-1' }),
    [],
  );
  const PortBindings = { '80/tcp': [{ HostIp: '', HostPort: '80' }] };
  assert.deepEqual(check({ NetworkMode: 'bridge', PortBindings }), []);
  assert.deepEqual(check({ NetworkMode: 'host', PortBindings }), [
    'Published ports are discarded when using host network mode',
  ]);
});

void test('memory brings as much swap, or a warning where the kernel cannot', () => {
  const host = sampleHost({ Memory: 64 << 20 });
  checkHostConfig(sampleConfig(), host, machine);
  assert.equal(host.MemorySwap, 128 << 20);
  const limited = sampleHost({ Memory: 64 << 20, MemorySwap: 100 << 20 });
  const warnings = checkHostConfig(sampleConfig(), limited, { ...machine, swapLimit: false });
  assert.match(warnings[0] ?? '', /does not support swap limit/);
  assert.equal(limited.MemorySwap, -1);
});

void test('sizes of logs', () => {
  assert.deepEqual(['10', '10k', '3M', '1gb', 'x', ''].map(logSize), [
    10,
    10240,
    3 << 20,
    1 << 30,
    undefined,
    undefined,
  ]);
});
