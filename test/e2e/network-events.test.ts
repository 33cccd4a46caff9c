/** What `events` tells of networks and of containers on them, of every verb, in order, the same from both clients. */
import assert from 'node:assert/strict';
import { hostTest } from '../support/host.ts';
import { until } from '../support/wait.ts';
import { words } from './support.ts';

interface Event {
  Type: string;
  Action: string;
  Actor: { ID: string; Attributes: Record<string, string> };
  scope: string;
  time: number;
  timeNano: number;
}

hostTest('every verb', {}, async (host) => {
  const daemon = await host.startDaemon();
  const { dockerOk, berthOk, docker } = daemon;
  const since = ['--since', '1', '--until', `${Math.ceil(Date.now() / 1000) + 3600}`];
  const listening = host.spawn(daemon.berthArgv('events', '--format', 'json'), {
    env: { ...process.env, ...daemon.clientEnv },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let text = '';
  listening.stdout?.on('data', (data: Buffer) => (text += data.toString()));
  const events = (): Event[] =>
    text
      .split('\n')
      .filter((line) => line.endsWith('}'))
      .map((line) => JSON.parse(line) as Event);
  // Until it listens: one that has to be seen.
  await until(
    async () => {
      await dockerOk('network', 'create', 'first');
      await dockerOk('network', 'rm', 'first');
      return events().length > 0;
    },
    5000,
    'the first event',
  );
  await until(() => events().at(-1)?.Action === 'destroy', 3000, 'the last of them');
  const head = events().length;

  const front = await dockerOk(...words('network create --subnet 10.8.0.0/24 front'));
  const back = await berthOk(...words('network create back'));
  const web = await dockerOk(
    ...words('run -d --name web --network front -p 8080:80 --stop-signal KILL busybox sleep 99'),
  );
  await berthOk(...words('network connect back web'));
  await dockerOk(...words('network disconnect front web'));
  await berthOk(...words('port web --add 8081:80'));
  await dockerOk(...words('rename web shop'));
  await dockerOk(...words('stop -t 0 shop'));
  await dockerOk(...words('network connect front shop'));
  await dockerOk(...words('network disconnect front shop'));
  await dockerOk(...words('start shop'));
  // Refusals say nothing.
  await docker(...words('network rm back'));
  await docker(...words('network connect gone shop'));
  await docker(...words('network create front'));
  await dockerOk(...words('rm -f shop'));
  await dockerOk(...words('network rm front'));
  await berthOk(...words('network prune -f'));
  await until(() => events().at(-1)?.Action === 'prune', 3000, 'all events');
  const short = new Map([
    [front, 'front'],
    [back, 'back'],
    [web, 'web'],
  ]);
  const told = events().slice(head);
  const lines = told.map(({ Type, Action, Actor: { ID, Attributes } }) => {
    const { container = '', name = '', type = '' } = Attributes;
    const id = short.get(ID) ?? ID;
    return Type === 'network'
      ? `network ${Action} ${id} ${[name, type, short.get(container) ?? container].filter(Boolean).join(' ')}`.trim()
      : `${Type} ${Action} ${id} ${name}`;
  });
  const wanted = [
    'network create front front bridge',
    'network create back back bridge',
    'container create web web',
    'network connect front front bridge web',
    'container start web web',
    'network connect back back bridge web',
    'network disconnect front front bridge web',
    'container update web web',
    'container rename web shop',
    'container kill web shop',
    'container kill web shop',
    'network disconnect back back bridge web',
    'container die web shop',
    'container stop web shop',
    'network connect back back bridge web',
    'container start web shop',
    'container kill web shop',
    'network disconnect back back bridge web',
    'container die web shop',
    'container destroy web shop',
    'network destroy front front bridge',
    'network destroy back back bridge',
    'network prune',
  ];
  assert.deepEqual(
    lines.filter((line) => !/^(image|volume) /.test(line)),
    wanted,
  );
  for (const { scope, time, timeNano } of told) {
    assert.equal(scope, 'local');
    assert.ok(Math.abs(Date.now() / 1000 - time) < 600 && Math.floor(timeNano / 1e9) === time);
  }
  const prune = told.at(-1);
  assert.deepEqual(prune?.Actor, { ID: '', Attributes: { reclaimed: '0' } });

  // Told again to whoever asks later, by filters.
  const ask = async (client: typeof dockerOk, ...filters: string[]): Promise<string[]> => {
    const until_ = ['--since', since[1] ?? '', '--until', `${Date.now() / 1000}`];
    const args = filters.flatMap((filter) => ['-f', filter]);
    return (await client('events', ...until_, ...args, '--format', '{{.Action}} {{.Actor.Attributes.name}}')).split(
      '\n',
    );
  };
  for (const client of [dockerOk, berthOk]) {
    assert.deepEqual(await ask(client, 'type=network', 'network=front'), [
      'create front',
      'connect front',
      'disconnect front',
      'destroy front',
    ]);
    assert.deepEqual(await ask(client, `network=${back}`, 'event=connect'), ['connect back', 'connect back']);
  }
  listening.kill();
});
