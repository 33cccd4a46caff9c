/** What etcd's majority means for those who run it. Pure. */

/** So many of `voters` must answer. */
export const majority = (voters: number): number => Math.floor(voters / 2) + 1;

/** For the administrator, after the number of members changed; empty when there is nothing to say. */
export function quorumNote(voters: number): string[] {
  if (voters === 1) return ['one member is left: while it is down, the cluster cannot be changed'];
  if (voters === 2) {
    return [
      'with two members, either one that is down stops changes of the cluster: promote a third one ("berth cluster promote HOST")',
    ];
  }
  if (voters % 2 === 0) {
    const spare = voters - majority(voters);
    return [
      `${voters} members bear no more than ${spare} that ${spare === 1 ? 'is' : 'are'} down, as ${voters - 1} do: one more makes it ${spare + 1}`,
    ];
  }
  return [];
}
