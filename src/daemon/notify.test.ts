import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, rmSync } from 'node:fs';
import { test } from 'node:test';
import { AF_UNIX, libc, MSG_DONTWAIT, SOCK_CLOEXEC, SOCK_DGRAM } from '../linux/libc.ts';
import { notify, unixAddress } from './notify.ts';

function receive(address: string, send: () => void): string {
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  try {
    const sockaddr = unixAddress(address);
    libc.bind(fd, sockaddr, sockaddr.length);
    send();
    const buffer = Buffer.alloc(100);
    return buffer.subarray(0, libc.recv(fd, buffer, buffer.length, MSG_DONTWAIT)).toString();
  } finally {
    closeSync(fd);
  }
}

void test('a datagram goes to a path or to an abstract name', () => {
  const directory = mkdtempSync('/tmp/b-');
  try {
    for (const address of [`${directory}/notify`, `@berth-test-${process.pid}`]) {
      assert.equal(
        receive(address, () => notify(address, 'READY=1')),
        'READY=1',
      );
    }
    assert.throws(() => notify(`${directory}/nobody`, 'READY=1'), { code: 'ENOENT' });
  } finally {
    rmSync(directory, { recursive: true });
  }
  notify(undefined, 'READY=1');
  assert.throws(() => notify('relative', 'READY=1'), /NOTIFY_SOCKET/);
});
