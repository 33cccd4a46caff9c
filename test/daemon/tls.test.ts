/** TCP with TLS: the stock client with its certificate is served, one without is not. */
import assert from 'node:assert/strict';
import { findProgram } from '../../src/daemon/preflight.ts';
import { createHost } from '../support/host.ts';
import { test } from 'node:test';

void test(
  '--tlsverify',
  { skip: findProgram('openssl') === undefined && 'openssl makes the certificates' },
  async () => {
    await using host = await createHost();
    const pki = `${host.root}/pki`;
    await host.run(
      'sh',
      '-ec',
      `mkdir ${pki} ${pki}/none && cd ${pki}
     new='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2'
     openssl req -x509 $new -subj /CN=ca -keyout ca-key.pem -out ca.pem
     for name in server client; do
       openssl req $new -subj /CN=$name -keyout $name-key.pem -out $name.csr
       echo 'subjectAltName=IP:127.0.0.1
extendedKeyUsage=serverAuth,clientAuth' >$name.ext
       openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 2 -extfile $name.ext -out $name.pem
     done 2>/dev/null
     cp ca.pem none/; cp client.pem cert.pem; cp client-key.pem key.pem`,
    );
    const daemon = await host.startDaemon({
      args: [
        '-H',
        'tcp://127.0.0.1:2376',
        '--tlsverify',
        `--tlscacert=${pki}/ca.pem`,
        `--tlscert=${pki}/server.pem`,
        `--tlskey=${pki}/server-key.pem`,
      ],
    });
    const docker = (...args: string[]) => host.exec(['docker', '-H', 'tcp://127.0.0.1:2376', ...args]);
    const ca = ['--tlsverify', '--tlscacert', `${pki}/ca.pem`];
    const format = ['version', '-f', '{{.Server.Os}}'];
    const known = await docker(...ca, '--tlscert', `${pki}/client.pem`, '--tlskey', `${pki}/client-key.pem`, ...format);
    assert.deepEqual([known.stdout.trim(), known.code], ['linux', 0], known.stderr);
    for (const args of [ca, ['--tls', '--tlscacert', `${pki}/ca.pem`], []]) {
      const refused = await docker(...args, ...format);
      assert.notEqual(refused.code, 0, args.join(' '));
    }
    // As the environment says, and by a context.
    const env = {
      DOCKER_HOST: 'tcp://127.0.0.1:2376',
      DOCKER_TLS_VERIFY: '1',
      DOCKER_CERT_PATH: pki,
      DOCKER_CONFIG: `${host.root}/client`,
    };
    const told = await host.exec(['docker', ...format], { env });
    assert.deepEqual([told.stdout.trim(), told.code], ['linux', 0], told.stderr);
    const files = ['ca', 'cert', 'key'].map((name) => `${name}=${pki}/${name}.pem`).join(',');
    const inContext = { DOCKER_CONFIG: env.DOCKER_CONFIG };
    await host.exec(['docker', 'context', 'create', 'tls', '--docker', `host=${env.DOCKER_HOST},${files}`], {
      env: inContext,
    });
    const remote = await host.exec(['docker', '--context', 'tls', ...format], { env: inContext });
    assert.deepEqual([remote.stdout.trim(), remote.code], ['linux', 0], remote.stderr);
    assert.equal(await daemon.stop(), 0);

    const broken = host.startDaemon({ args: ['-H', 'tcp://127.0.0.1:2376', '--tls', `--tlscert=${pki}/nope.pem`] });
    await assert.rejects(broken, /could not load the TLS certificate .*nope\.pem/);
  },
);
