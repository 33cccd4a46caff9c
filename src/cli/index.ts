/**
 * Every command by every name it answers to. A command's module is loaded when it is asked for, so that each start pays
 * for one; that the names here are those of the command is tested.
 */
import type { Command } from './command.ts';

export interface Entry {
  /** The path, then the aliases. */
  names: readonly [path: string, ...aliases: string[]];
  load: () => Promise<{ command: Command }>;
}

export const entries: readonly Entry[] = [
  { names: ['ps', 'container ls', 'container list', 'container ps'], load: () => import('./commands/ps.ts') },
  { names: ['run', 'container run'], load: () => import('./commands/run.ts') },
  { names: ['exec', 'container exec'], load: () => import('./commands/exec.ts') },
  { names: ['build', 'image build'], load: () => import('./commands/build.ts') },
  { names: ['pull', 'image pull'], load: () => import('./commands/pull.ts') },
  { names: ['push', 'image push'], load: () => import('./commands/push.ts') },
  { names: ['images', 'image ls', 'image list'], load: () => import('./commands/images.ts') },
  { names: ['login'], load: () => import('./commands/login.ts') },
  { names: ['logout'], load: () => import('./commands/logout.ts') },
  { names: ['version'], load: () => import('./commands/version.ts') },
  { names: ['info', 'system info'], load: () => import('./commands/info.ts') },
  { names: ['attach', 'container attach'], load: () => import('./commands/attach.ts') },
  { names: ['completion'], load: () => import('./commands/completion.ts') },
  { names: ['commit', 'container commit'], load: () => import('./commands/commit.ts') },
  { names: ['cp', 'container cp'], load: () => import('./commands/cp.ts') },
  { names: ['create', 'container create'], load: () => import('./commands/create.ts') },
  { names: ['diff', 'container diff'], load: () => import('./commands/diff.ts') },
  { names: ['events', 'system events'], load: () => import('./commands/events.ts') },
  { names: ['export', 'container export'], load: () => import('./commands/export.ts') },
  { names: ['history', 'image history'], load: () => import('./commands/history.ts') },
  { names: ['import', 'image import'], load: () => import('./commands/import.ts') },
  { names: ['inspect'], load: () => import('./commands/inspect.ts') },
  { names: ['kill', 'container kill'], load: () => import('./commands/kill.ts') },
  { names: ['load', 'image load'], load: () => import('./commands/load.ts') },
  { names: ['logs', 'container logs'], load: () => import('./commands/logs.ts') },
  { names: ['pause', 'container pause'], load: () => import('./commands/pause.ts') },
  { names: ['port', 'container port'], load: () => import('./commands/port.ts') },
  { names: ['rename', 'container rename'], load: () => import('./commands/rename.ts') },
  { names: ['restart', 'container restart'], load: () => import('./commands/restart.ts') },
  { names: ['rm', 'container rm', 'container remove'], load: () => import('./commands/rm.ts') },
  { names: ['rmi', 'image rm', 'image remove'], load: () => import('./commands/rmi.ts') },
  { names: ['save', 'image save'], load: () => import('./commands/save.ts') },
  { names: ['start', 'container start'], load: () => import('./commands/start.ts') },
  { names: ['stats', 'container stats'], load: () => import('./commands/stats.ts') },
  { names: ['stop', 'container stop'], load: () => import('./commands/stop.ts') },
  { names: ['tag', 'image tag'], load: () => import('./commands/tag.ts') },
  { names: ['top', 'container top'], load: () => import('./commands/top.ts') },
  { names: ['tour'], load: () => import('./commands/tour.ts') },
  { names: ['unpause', 'container unpause'], load: () => import('./commands/unpause.ts') },
  { names: ['update', 'container update'], load: () => import('./commands/update.ts') },
  { names: ['wait', 'container wait'], load: () => import('./commands/wait.ts') },
  { names: ['cluster init'], load: () => import('./commands/cluster-init.ts') },
  { names: ['cluster join'], load: () => import('./commands/cluster-join.ts') },
  { names: ['cluster leave'], load: () => import('./commands/cluster-leave.ts') },
  { names: ['cluster promote'], load: () => import('./commands/cluster-promote.ts') },
  { names: ['cluster rm'], load: () => import('./commands/cluster-rm.ts') },
  { names: ['cluster status', 'cluster ls'], load: () => import('./commands/cluster-status.ts') },
  { names: ['cluster token'], load: () => import('./commands/cluster-token.ts') },
  { names: ['container inspect'], load: () => import('./commands/container-inspect.ts') },
  { names: ['container prune'], load: () => import('./commands/container-prune.ts') },
  { names: ['image inspect'], load: () => import('./commands/image-inspect.ts') },
  { names: ['image prune'], load: () => import('./commands/image-prune.ts') },
  { names: ['network connect'], load: () => import('./commands/network-connect.ts') },
  { names: ['network create'], load: () => import('./commands/network-create.ts') },
  { names: ['network disconnect'], load: () => import('./commands/network-disconnect.ts') },
  { names: ['network inspect'], load: () => import('./commands/network-inspect.ts') },
  { names: ['network ls', 'network list'], load: () => import('./commands/network-ls.ts') },
  { names: ['network prune'], load: () => import('./commands/network-prune.ts') },
  { names: ['network rm', 'network remove'], load: () => import('./commands/network-rm.ts') },
  { names: ['system df'], load: () => import('./commands/system-df.ts') },
  { names: ['system prune'], load: () => import('./commands/system-prune.ts') },
  { names: ['volume create'], load: () => import('./commands/volume-create.ts') },
  { names: ['volume inspect'], load: () => import('./commands/volume-inspect.ts') },
  { names: ['volume ls', 'volume list'], load: () => import('./commands/volume-ls.ts') },
  { names: ['volume prune'], load: () => import('./commands/volume-prune.ts') },
  { names: ['volume rm', 'volume remove'], load: () => import('./commands/volume-rm.ts') },
  { names: ['__complete'], load: () => import('./commands/complete.ts') },
];

/** Groups of commands, and what they are for. */
export const groups: Readonly<Record<string, string>> = {
  cluster: 'Manage the cluster of hosts that overlay networks span',
  container: 'Manage containers',
  image: 'Manage images',
  network: 'Manage networks',
  system: 'Manage Berth',
  volume: 'Manage volumes',
};

/** Named first in the overview. */
export const common: readonly string[] = [
  'run',
  'exec',
  'ps',
  'build',
  'pull',
  'push',
  'images',
  'login',
  'logout',
  'version',
  'info',
];

export const find = (name: string): Entry | undefined => entries.find(({ names }) => names.includes(name));

/** The last word of the name that an entry has in a group: 'ls' for ps in container. The first alias is the proper one. */
export const nameIn = (group: string, { names }: Entry): string | undefined =>
  names.find((name) => name.startsWith(`${group} `))?.slice(group.length + 1);

/** Names on the top level. */
export const topLevel = (): Entry[] => entries.filter(({ names: [path] }) => !path.includes(' '));

export async function loadAll(list: readonly Entry[] = entries): Promise<Command[]> {
  return (await Promise.all(list.map((entry) => entry.load()))).map(({ command }) => command);
}
