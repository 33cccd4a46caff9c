/** 'Up 3 seconds', 'Exited (0) 2 minutes ago' … Pure. */
import type { ContainerState } from '../../model/container.ts';
import { humanDuration } from '../duration.ts';
import { NEVER } from '../record.ts';

export function statusText(state: ContainerState, now: number): string {
  const since = (time: string): string => humanDuration(Math.max(0, now - Date.parse(time)));
  if (state.Running) {
    if (state.Paused) return `Up ${since(state.StartedAt)} (Paused)`;
    const health = state.Health?.Status;
    if (health === undefined) return `Up ${since(state.StartedAt)}`;
    return `Up ${since(state.StartedAt)} (${health === 'starting' ? 'health: starting' : health})`;
  }
  if (state.Restarting) return `Restarting (${state.ExitCode}) ${since(state.FinishedAt)} ago`;
  if (state.Status === 'removing') return 'Removal In Progress';
  if (state.Dead) return 'Dead';
  if (state.StartedAt === NEVER || state.FinishedAt === NEVER) return 'Created';
  return `Exited (${state.ExitCode}) ${since(state.FinishedAt)} ago`;
}
