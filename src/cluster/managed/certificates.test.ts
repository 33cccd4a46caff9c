import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate, createPrivateKey, createPublicKey } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { checkCertificate, createAuthority, createRequest, fingerprintOf, isOld, issue } from './certificates.ts';
import type { Authority } from './certificates.ts';

const DAY = 24 * 60 * 60 * 1000;

void describe('certificates of a cluster', () => {
  let scratch = '';
  let authority: Authority = { certificate: '', key: '' };
  before(async () => {
    scratch = mkdtempSync('/tmp/b-certificates-');
    authority = await createAuthority(scratch, 'c0ffee');
  });
  after(() => rmSync(scratch, { recursive: true }));
  const write = (name: string, text: string): string => {
    writeFileSync(`${scratch}/${name}`, text);
    return `${scratch}/${name}`;
  };

  for (const address of ['192.0.2.7', '2001:db8::7']) {
    void test(`a host's certificate is good for ${address} only, as server and as client`, async () => {
      const { key, request } = await createRequest(scratch);
      const pem = await issue(scratch, authority, request, { name: 'web-1.example', address });
      const file = write('host.pem', pem);
      const ca = write('ca.pem', authority.certificate);
      for (const purpose of ['sslserver', 'sslclient']) {
        const verified = execFileSync('openssl', [
          'verify',
          '-purpose',
          purpose,
          '-verify_ip',
          address,
          '-CAfile',
          ca,
          file,
        ]);
        assert.match(verified.toString(), /: OK\n$/);
      }
      const certificate = new X509Certificate(pem);
      assert.equal(certificate.subject, 'CN=web-1.example');
      assert.equal(certificate.ca, false);
      assert.equal(certificate.checkIP('192.0.2.8'), undefined);
      assert.ok(
        certificate.validFromDate.getTime() < Date.now() - DAY / 2,
        'a host whose clock is behind takes it, too',
      );
      checkCertificate(pem, { key: createPublicKey(createPrivateKey(key)), authority: authority.certificate, address });
      assert.deepEqual(
        readdirSync(scratch).filter((name) => name.startsWith('openssl-')),
        [],
        'no key is left lying about',
      );
    });
  }

  void test('nothing of a request is believed but its key', async () => {
    const { key } = await createRequest(scratch);
    const args = ['req', '-new', '-key', write('key.pem', key), '-subj', '/O=root/CN=other'];
    const wishes = ['-addext', 'basicConstraints=CA:TRUE', '-addext', 'subjectAltName=IP:192.0.2.99'];
    const request = execFileSync('openssl', [...args, ...wishes]).toString();
    const certificate = new X509Certificate(
      await issue(scratch, authority, request, { name: 'a', address: '192.0.2.1' }),
    );
    assert.equal(certificate.subject, 'CN=a');
    assert.equal(certificate.ca, false);
    assert.equal(certificate.subjectAltName, 'IP Address:192.0.2.1');
  });

  void test('what is no request, or not of a good key, is refused', async () => {
    const { request } = await createRequest(scratch);
    const rsa = execFileSync(
      'openssl',
      ['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', '/dev/null', '-subj', '/CN=a'],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    ).toString();
    const lines = request.split('\n');
    // The last bytes are those of the signature.
    const at = lines.length - 3;
    const forged = lines
      .with(
        at,
        (lines[at] ?? '').replace(/^./, (letter) => (letter === 'A' ? 'B' : 'A')),
      )
      .join('\n');
    for (const text of ['', 'x', authority.certificate, forged, rsa]) {
      await assert.rejects(issue(scratch, authority, text, { name: 'a', address: '192.0.2.1' }), {
        kind: 'InvalidParameter',
      });
    }
  });

  void test('another authority’s certificate, or for another key or address, is not taken', async () => {
    const address = '192.0.2.1';
    const [own, other] = [await createRequest(scratch), await createRequest(scratch)];
    const pem = await issue(scratch, authority, own.request, { name: 'a', address });
    const wanted = { key: createPublicKey(createPrivateKey(own.key)), authority: authority.certificate, address };
    const foreign = await createAuthority(scratch, 'f00d');
    for (const wrong of [
      { ...wanted, authority: foreign.certificate },
      { ...wanted, key: createPublicKey(createPrivateKey(other.key)) },
      { ...wanted, address: '192.0.2.2' },
    ]) {
      assert.throws(() => checkCertificate(pem, wrong), { kind: 'System' });
    }
  });

  void test('the fingerprint is what openssl says it is; a certificate is old in its last third', () => {
    const file = write('ca.pem', authority.certificate);
    const text = execFileSync('openssl', ['x509', '-in', file, '-noout', '-fingerprint', '-sha256']).toString();
    assert.equal(
      text.trim().replace(/^.*=/, '').replaceAll(':', '').toLowerCase(),
      fingerprintOf(authority.certificate).toString('hex'),
    );
    const now = Date.now();
    assert.deepEqual(
      [now, now + 13 * 365 * DAY, now + 14 * 365 * DAY].map((at) => isOld(authority.certificate, at)),
      [false, false, true],
    );
  });
});
