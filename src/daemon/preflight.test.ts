import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from './config.ts';
import { preflight } from './preflight.ts';
import type { Surroundings } from './preflight.ts';

const settings = (...argv: string[]) => loadConfig(argv, () => undefined).settings;
const here = (missing: string[] = [], overrides: Partial<Surroundings> = {}): Surroundings => ({
  uid: 0,
  find: (program) => (missing.includes(program) ? undefined : `/usr/bin/${program}`),
  filesystems: 'nodev\tsysfs\nnodev\toverlay\n',
  ...overrides,
});

void test('what every container needs is asked for by name', () => {
  assert.deepEqual(preflight(settings(), here()), []);
  assert.throws(() => preflight(settings(), here([], { uid: 1000 })), {
    kind: 'Forbidden',
    message: 'berthd needs to run as root',
  });
  assert.throws(() => preflight(settings(), here(['conmon', 'crun'])), {
    message: 'missing conmon and crun: install them (Debian: apt-get install conmon crun)',
  });
  assert.throws(() => preflight(settings('--default-runtime=runc'), here(['runc'])), { message: /^missing runc:/ });
  assert.throws(() => preflight(settings(), here([], { filesystems: 'nodev\tsysfs\n' })), {
    message: /CONFIG_OVERLAY_FS/,
  });
});

void test('what only some commands need is a warning', () => {
  assert.match(preflight(settings(), here(['skopeo']))[0] ?? '', /apt-get install skopeo/);
  assert.match(preflight(settings('--init'), here(['/usr/bin/tini']))[0] ?? '', /apt-get install tini/);
  assert.throws(
    () => preflight(settings('--firewall-backend=iptables'), here(['iptables-restore'])),
    /missing iptables/,
  );
  assert.deepEqual(
    preflight(settings('--firewall-backend=iptables', '--iptables=0', '--ip6tables=0'), here(['iptables-restore'])),
    [],
  );
});
