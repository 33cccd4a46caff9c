/** A process that runs the engine and does what its arguments say, to be killed by a test at any moment. */
import { leaveHybridCgroups } from '../../src/linux/mounts.ts';
import { config, hostConfig, makeEngine } from './support.ts';

leaveHybridCgroups();
const [root = '', script = '', delay = '0'] = process.argv.slice(2);
const rig = await makeEngine(root);
const create = async (name: string, command: string, own: Parameters<typeof hostConfig>[0] = {}): Promise<string> => {
  const request = {
    name,
    config: config({ Cmd: ['sh', '-c', command], OpenStdin: true }),
    hostConfig: hostConfig(own),
  };
  return (await rig.engine.create({ ...request, networking: { EndpointsConfig: {} } })).Id;
};
if (script === 'several') {
  await create('never', 'true');
  await rig.engine.start(await create('lives', 'trap "exit 4" TERM; echo up; while :; do sleep 0.05; done'));
  await rig.engine.start(await create('ends', 'sleep 0.6; exit 7'));
  await rig.engine.start(await create('gone', 'sleep 0.6', { AutoRemove: true }));
  await rig.engine.start(await create('killed', 'sleep 60'));
  await rig.engine.start(
    await create('again', 'sleep 0.6; exit 1', { RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } }),
  );
  process.stdout.write('ready\n');
}
if (script === 'loop') {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), Number(delay));
  process.stdout.write('ready\n');
  for (let i = 0; ; i++) {
    const id = await create(`loop${i}`, 'exit 0');
    await rig.engine.start(id);
    await rig.engine.remove(id, { force: true, volumes: true, link: false });
  }
}
setInterval(() => undefined, 1000);
