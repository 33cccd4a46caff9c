/** `berth cluster status`: what the registry knows of hosts, and what etcd's members say for themselves. */
import type { ClusterStatus } from '../deps.ts';
import type { Etcd, EtcdOptions, Member } from '../etcd/port.ts';
import type { ClusterKind, ClusterReport, HostReport } from './port.ts';

/** Milliseconds that each member is given. */
const PATIENCE = 1500;

export interface MemberState extends Member {
  /** It answered. */
  answers: boolean;
  leads: boolean;
}

/** Asks every member by itself, all at once. `connect` opens a client for the endpoints that it is given. */
export async function askMembers(
  etcd: Pick<Etcd, 'members'>,
  connect: (options: EtcdOptions) => Etcd,
  options: EtcdOptions,
): Promise<MemberState[]> {
  const members = await etcd.members();
  return Promise.all(
    members.map(async (member) => {
      if (member.clientUrls.length === 0) return { ...member, answers: false, leads: false };
      const own = connect({ ...options, endpoints: member.clientUrls, timeout: PATIENCE });
      try {
        const { leader } = await own.status();
        return { ...member, answers: true, leads: leader === member.id };
      } catch {
        return { ...member, answers: false, leads: false };
      } finally {
        own.close();
      }
    }),
  );
}

export function reportOf(
  kind: ClusterKind,
  status: ClusterStatus,
  endpoints: readonly string[],
  members: readonly MemberState[] | undefined,
): ClusterReport {
  const voters = members?.filter(({ learner }) => !learner);
  return {
    kind,
    state: status.state,
    reason: status.reason,
    endpoints,
    prefix: status.prefix,
    quorum: voters && { voters: voters.length, answering: voters.filter(({ answers }) => answers).length },
    hosts: kind === 'managed' ? withMembers(status, members) : status.hosts.map((host) => hostReport(host)),
    networks: status.networks,
  };
}

type Host = ClusterStatus['hosts'][number];

const hostReport = ({ name, address, self, version }: Host, role = '', state = 'up'): HostReport => ({
  name,
  address,
  self,
  role,
  state,
  version,
});

/** Members bear the names of their hosts; one whose host is not heard of stands there, too. */
function withMembers({ hosts }: ClusterStatus, members: readonly MemberState[] | undefined): HostReport[] {
  const memberOf = (name: string): MemberState | undefined => members?.find((member) => member.name === name);
  const known = hosts.map((host) => {
    const member = memberOf(host.name);
    if (!member) return hostReport(host, members ? 'client' : '');
    return hostReport(host, roleOf(member), member.answers ? 'up' : 'etcd down');
  });
  const silent = (members ?? [])
    .filter(({ name }) => !hosts.some((host) => host.name === name))
    .map((member) => ({
      name: member.name || '(starting)',
      address: member.peerUrls.map((url) => url.replace(/^https?:\/\/\[?|\]?:\d+\/?$/g, '')).join(','),
      self: false,
      role: roleOf(member),
      state: member.answers ? 'only etcd' : 'down',
      version: '',
    }));
  return [...known, ...silent].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

const roleOf = ({ learner, leads }: MemberState): string => {
  if (learner) return 'learner';
  return leads ? 'leader' : 'member';
};
