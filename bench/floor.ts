/**
 * The floor: conmon and crun alone. A worker inside the throw-away host starts them with the bundle that berthd wrote
 * for a container, and does by hand what cannot be left out: the byte that lets the process go, and the removal of what
 * crun leaves. What Berth takes beyond this is its own share.
 */
import { createInterface } from 'node:readline';
import type { Berth } from './peers/berth.ts';
import { EngineClient } from './api.ts';

export interface Floor extends AsyncDisposable {
  readonly version: string;
  oneLife(): Promise<void>;
}

export async function startFloor(berth: Berth): Promise<Floor> {
  // A sleeping container lends its specification, its root file system and its namespace.
  const client = new EngineClient(berth.socket);
  const { Id } = await client.call<{ Id: string }>('POST', '/containers/create', {
    Image: 'busybox',
    Cmd: ['sleep', '1000000'],
  });
  await client.call('POST', `/containers/${Id}/start`);
  const worker = berth.host.spawn(
    [
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      `${import.meta.dirname}/floor-worker.ts`,
      berth.execRoot,
      Id,
      `${berth.host.root}/floor`,
      berth.host.cgroupParent,
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  if (!worker.stdin || !worker.stdout) throw new Error('the worker of the floor has no pipes');
  const { stdin } = worker;
  const lines = createInterface({ input: worker.stdout })[Symbol.asyncIterator]();
  const ask = async (): Promise<void> => {
    stdin.write('\n');
    const { value } = await lines.next();
    if (value !== 'done') throw new Error(`the floor failed: ${String(value)}`);
  };
  await ask();
  return {
    version: 'conmon and crun as above, without a daemon',
    oneLife: ask,
    async [Symbol.asyncDispose]() {
      stdin.end();
      worker.kill();
      await client.call('DELETE', `/containers/${Id}?force=1`);
      client.close();
    },
  };
}
