/** What the calls of endpoints.ts are about, made on the spot. */
import type { Daemon } from '../support/daemon.ts';
import type { Host } from '../support/host.ts';
import { startRegistryOn } from '../support/registry.ts';
import type { Thing } from './endpoints.ts';

export interface Things extends AsyncDisposable {
  /** The name or ID. */
  make(thing: Thing): Promise<string>;
  /** 'ADDRESS:PORT' of a registry that has what is `pushed`. */
  registry: string;
}

const WAITS = ['busybox', 'sh', '-c', 'echo word; read line; echo "$line"'];

export async function things(host: Host, daemon: Daemon): Promise<Things> {
  const { dockerOk } = daemon;
  const registry = await startRegistryOn(host);
  let running = '';
  let names = 0;
  const aName = (): string => `thing${names++}`;
  const start = async (): Promise<string> => (running = await dockerOk('run', '-di', ...WAITS));
  const named = async (name: string): Promise<string> => {
    await dockerOk('tag', 'busybox', name);
    return name;
  };
  const exec = async (command: object = { Cmd: ['cat'], AttachStdin: true, AttachStdout: true }): Promise<string> => {
    const { body } = await daemon.api<{ Id: string }>('POST', `/containers/${await start()}/exec`, command);
    return body.Id;
  };
  const makers: Record<Thing, () => Promise<string>> = {
    created: () => dockerOk('create', '-i', ...WAITS),
    running: start,
    same: async () => running,
    paused: async () => {
      await start();
      await dockerOk('pause', running);
      return running;
    },
    exited: async () => {
      const id = await dockerOk('run', '-d', 'busybox', 'sh', '-c', 'echo word; echo more >/file');
      await dockerOk('wait', id);
      return id;
    },
    exec: () => exec(),
    'running exec': async () => {
      const id = await exec({ Cmd: ['sleep', '1000'], Tty: true });
      await daemon.api('POST', `/exec/${id}/start`, { Detach: true, Tty: true });
      return id;
    },
    network: () => dockerOk('network', 'create', aName()),
    connected: async () => {
      const network = await dockerOk('network', 'create', aName());
      await dockerOk('network', 'connect', network, running || (await start()));
      return network;
    },
    volume: () => dockerOk('volume', 'create', aName()),
    image: () => named(aName()),
    pushed: async () => {
      const name = await named(`${registry.host}/${aName()}`);
      await dockerOk('push', '-q', name);
      return name;
    },
  };
  return {
    registry: registry.host,
    make: (thing) => makers[thing](),
    [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose](),
  };
}
