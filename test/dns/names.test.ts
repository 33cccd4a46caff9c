/** Names of containers, asked with dig from inside their namespaces of the real process. */
import assert from 'node:assert/strict';
import { hostTest } from '../support/host.ts';
import { endpoint, makeContainer, sandbox, startDaemonSide } from './support.ts';

hostTest('a container finds others by name on the networks that they share', {}, async (host) => {
  const daemon = startDaemonSide(host);
  const web = await makeContainer(host, 'web');
  await daemon.putNames(
    sandbox('s-web', web.path, {
      endpoints: [
        endpoint('front', '172.20.0.2', ['web', 'www', '0123456789ab', '*.apps']),
        endpoint('back', ['172.21.0.2', 'fd00:21::2'], ['web'], { store: 'db' }),
      ],
    }),
  );
  console.log('put', daemon.ms);
  console.log(await web.dig('web'));
  console.log(await web.dig('web', '+tcp'));
  await daemon.close({ keep: false });
});
