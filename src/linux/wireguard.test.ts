import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WireguardPeer } from './netlink/wireguard.ts';
import { differences } from './wireguard.ts';

const peer = (n: number, more: Partial<WireguardPeer> = {}): WireguardPeer => ({
  publicKey: Buffer.alloc(32, n),
  endpoint: { address: Buffer.from([203, 0, 113, n]), port: 51820 },
  keepalive: 0,
  allowed: [{ address: Buffer.alloc(16, n), length: 128 }],
  ...more,
});

void test('peers that are as they shall be are left alone', () => {
  assert.deepEqual(differences({ peers: [peer(1), peer(2)] }, [peer(2), peer(1)]), { peers: [], gone: [] });
});

void test('who is new or otherwise is set, who is not wanted goes', () => {
  const elsewhere = peer(2, { endpoint: { address: Buffer.from([203, 0, 113, 22]), port: 51820 } });
  const silent = peer(3, { endpoint: undefined });
  const wide = peer(4, { allowed: [...peer(4).allowed, { address: Buffer.alloc(4), length: 0 }] });
  const kept = peer(5, { keepalive: 25 });
  assert.deepEqual(
    differences(
      { peers: [peer(1), elsewhere, silent, wide, kept, peer(9)] },
      [1, 2, 3, 4, 5, 6].map((n) => peer(n)),
    ),
    { peers: [2, 3, 4, 5, 6].map((n) => peer(n)), gone: [Buffer.alloc(32, 9)] },
  );
});
