import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { sampleConfig, sampleHost } from '../testing-samples.ts';
import { capabilitiesOf, DEFAULT_CAPABILITIES } from './capabilities.ts';
import { customSeccomp, defaultSeccomp } from './seccomp.ts';
import { buildSpec, environment, securityOptions, type SpecInput } from './spec.ts';

const ALL_CAPABILITIES = (1n << 41n) - 1n;

function input(own: Partial<SpecInput> = {}): SpecInput {
  return {
    id: 'a'.repeat(64),
    command: ['sh', '-c', 'true'],
    config: sampleConfig({ Hostname: 'box', Env: ['A=1'] }),
    hostConfig: sampleHost({ ShmSize: 64 << 20 }),
    identity: { uid: 0, gid: 0, additionalGids: [], home: '/root' },
    rootfs: '/exec/rootfs',
    cgroup: '/berth/a',
    networkNamespace: '/run/netns/x',
    pid: 'own',
    ipc: 'own',
    mounts: {
      shm: { size: 64 << 20 },
      files: { hostname: '/f/hostname', hosts: '/f/hosts', resolvConf: '/f/resolv.conf' },
      init: undefined,
      mounts: [],
      tmpfs: {},
    },
    devices: [],
    blockIO: undefined,
    ulimits: [],
    capabilities: ALL_CAPABILITIES,
    architecture: 'x64',
    cgroupV2: false,
    noNewPrivileges: false,
    ...own,
  };
}

/** Compared with a file beside this one; `UPDATE_GOLDEN=1` writes it anew. The filter is left out: it has tests of its own. */
function golden(name: string, own: Partial<SpecInput>): void {
  const spec = buildSpec(input(own));
  const { seccomp, ...linux } = spec.linux;
  const text = `${JSON.stringify({ ...spec, linux: { ...linux, seccomp: seccomp?.defaultAction ?? 'none' } }, null, 2)}\n`;
  const file = new URL(`golden/${name}.json`, import.meta.url);
  if (process.env['UPDATE_GOLDEN']) writeFileSync(file, text);
  assert.deepEqual(JSON.parse(text), JSON.parse(readFileSync(file, 'utf8')));
}

void describe('the specification of', () => {
  void test('a plain container', () => golden('plain', {}));
  void test('a privileged one on the host’s namespaces', () =>
    golden('privileged', {
      hostConfig: sampleHost({ Privileged: true, UTSMode: 'host', ReadonlyRootfs: true }),
      networkNamespace: undefined,
      pid: 'host',
      ipc: 'host',
    }));
  void test('one with everything', () =>
    golden('everything', {
      config: sampleConfig({
        Hostname: 'h',
        Domainname: 'd',
        Tty: true,
        WorkingDir: '/w',
        Env: ['TERM=vt', 'HOME=/h'],
      }),
      hostConfig: sampleHost({
        ConsoleSize: [25, 80],
        CapDrop: ['ALL'],
        CapAdd: ['NET_ADMIN'],
        SecurityOpt: ['no-new-privileges', 'seccomp=unconfined', 'systempaths=unconfined'],
        Memory: 1 << 26,
        MemorySwap: 1 << 27,
        NanoCpus: 1.5e9,
        CpuShares: 512,
        CpusetCpus: '0-1',
        PidsLimit: 7,
        Sysctls: { 'net.ipv4.ip_forward': '1' },
        CgroupnsMode: 'private',
        Annotations: { a: 'b' },
        OomScoreAdj: 5,
      }),
      identity: { uid: 1000, gid: 1000, additionalGids: [50], home: '/home/ann' },
      pid: { path: '/proc/7/ns/pid' },
      ipc: { path: '/proc/7/ns/ipc' },
      mounts: {
        shm: { path: '/proc/7/root/dev/shm' },
        files: { hostname: '/f/hostname', hosts: '/f/hosts', resolvConf: '/f/resolv.conf' },
        init: '/usr/bin/tini-static',
        mounts: [
          {
            Type: 'bind',
            Source: '/own/hosts',
            Destination: '/etc/hosts',
            Mode: 'ro',
            RW: false,
            Propagation: 'rslave',
            recursive: true,
            copyUp: false,
            anonymous: false,
            hostFlags: ['ro', 'nodev'],
          },
          {
            Type: 'bind',
            Source: '/etc/file',
            Destination: '/file',
            Mode: '',
            RW: false,
            Propagation: '',
            recursive: true,
            file: true,
            copyUp: false,
            anonymous: false,
          },
          {
            Type: 'bind',
            Source: '/top',
            Destination: '/top',
            Mode: '',
            RW: false,
            Propagation: '',
            recursive: true,
            readOnlyTop: true,
            copyUp: false,
            anonymous: false,
          },
          {
            Type: 'tmpfs',
            Source: '',
            Destination: '/a/b/c',
            Mode: 'size=1024',
            RW: true,
            Propagation: '',
            recursive: false,
            copyUp: false,
            anonymous: false,
          },
        ],
        tmpfs: { '/a': 'exec,size=1m' },
      },
      devices: [{ path: '/dev/kvm', type: 'c', access: 'rw', major: 10, minor: 232, fileMode: 0o660, uid: 0, gid: 0 }],
      ulimits: [{ Name: 'nofile', Soft: 1, Hard: 2 }],
    }));
});

void describe('capabilities', () => {
  const of = (add: string[], drop: string[], privileged = false, available = ALL_CAPABILITIES): string[] =>
    capabilitiesOf({ add, drop, privileged }, available);
  void test('default, added, dropped, all', () => {
    assert.deepEqual(new Set(of([], [])), new Set(DEFAULT_CAPABILITIES));
    assert.ok(of(['sys_time'], []).includes('CAP_SYS_TIME'));
    assert.ok(!of([], ['CAP_CHOWN']).includes('CAP_CHOWN'));
    assert.equal(of(['ALL'], []).length, 41);
    assert.equal(of(['ALL'], ['NET_RAW']).length, 40);
    assert.deepEqual(of(['CHOWN'], ['ALL']), ['CAP_CHOWN']);
  });
  void test('what the daemon has not cannot be given', () => {
    const some = ALL_CAPABILITIES & ~(1n << 24n);
    assert.equal(of([], [], true, some).length, 40);
    assert.throws(() => of(['SYS_RESOURCE'], [], false, some), /CAP_SYS_RESOURCE cannot be given/);
    assert.throws(() => of(['NOPE'], []), /^BerthError: invalid CapAdd: unknown capability: "CAP_NOPE"$/);
  });
});

void describe('the system call filter', () => {
  const allowed = (capabilities: string[], architecture = 'x64'): Set<string> =>
    new Set(
      defaultSeccomp(capabilities, architecture).syscalls.flatMap((rule) =>
        rule.action === 'SCMP_ACT_ALLOW' && rule.args === undefined ? rule.names : [],
      ),
    );
  void test('what needs a capability is allowed with it only', () => {
    for (const [call, capability] of [
      ['mount', 'CAP_SYS_ADMIN'],
      ['clone3', 'CAP_SYS_ADMIN'],
      ['chroot', 'CAP_SYS_CHROOT'],
      ['reboot', 'CAP_SYS_BOOT'],
      ['init_module', 'CAP_SYS_MODULE'],
    ] as const) {
      assert.ok(!allowed([]).has(call), call);
      assert.ok(allowed([capability]).has(call), call);
    }
    for (const call of ['keyctl', 'add_key', 'userfaultfd', 'io_uring_setup', 'kexec_load']) {
      assert.ok(!allowed(['CAP_SYS_ADMIN']).has(call), call);
    }
  });
  void test('architectures', () => {
    assert.ok(allowed([]).has('arch_prctl') && !allowed([], 'arm64').has('arch_prctl'));
    assert.deepEqual(defaultSeccomp([], 'arm64').architectures, ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM']);
  });
  void test('a profile of the user’s', () => {
    const text = JSON.stringify({
      defaultAction: 'SCMP_ACT_ALLOW',
      archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }],
      syscalls: [
        { names: ['mkdir'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 },
        { names: ['a'], action: 'SCMP_ACT_ERRNO', includes: { caps: ['CAP_BPF'] } },
        { names: ['b'], action: 'SCMP_ACT_ERRNO', excludes: { caps: ['CAP_BPF'] } },
        { names: ['c'], action: 'SCMP_ACT_ERRNO', includes: { arches: ['arm64'] } },
      ],
    });
    const { syscalls, architectures } = customSeccomp(text, [], 'x64');
    assert.deepEqual(
      syscalls.map(({ names }) => names[0]),
      ['mkdir', 'b'],
    );
    assert.deepEqual(architectures, ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86']);
    for (const bad of ['', '{', '[]', '{}', 'null', '3']) {
      assert.throws(() => customSeccomp(bad, [], 'x64'), /Decoding seccomp profile failed/, bad);
    }
  });
});

void test('security options in both notations', () => {
  assert.deepEqual(securityOptions(['no-new-privileges:true', 'seccomp:unconfined', 'label=disable']), {
    noNewPrivileges: true,
    seccomp: 'unconfined',
    openPaths: false,
  });
});

void test('the environment: a name alone takes a variable away', () => {
  const config = sampleConfig({ Env: ['PATH', 'X=1', 'X=2=3'] });
  assert.deepEqual(environment(config, '/h', 'box', true), ['HOSTNAME=box', 'TERM=xterm', 'X=2=3', 'HOME=/h']);
});
