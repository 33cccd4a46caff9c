/** `cluster status` for people: a few lines on the whole, and a row for each host. Pure. */
import type { Listing } from '../format/listing.ts';

export interface ClusterHost {
  Name: string;
  Address: string;
  /** This one. */
  Self: boolean;
  Role: string;
  State: string;
  Version: string;
}

export interface ClusterStatus {
  Kind: 'none' | 'given' | 'managed';
  State: string;
  Reason: string;
  Endpoints: string[];
  Prefix: string;
  Quorum: { Voters: number; Answering: number } | null;
  Networks: number;
  Hosts: ClusterHost[];
}

export const hostListing: Listing<ClusterHost> = {
  type: '*cluster.hostContext',
  columns: ['Name', 'Address', 'Role', 'State', 'Version'],
  fields: {
    Name: { header: 'HOST', value: ({ Name, Self }) => (Self ? `${Name} *` : Name) },
    Address: { header: 'ADDRESS', value: ({ Address }) => Address },
    Role: { header: 'ETCD', value: ({ Role }) => Role || '-' },
    State: { header: 'STATE', value: ({ State }) => State },
    Version: { header: 'VERSION', value: ({ Version }) => Version || '-' },
  },
};

const NO_CLUSTER = `This host is in no cluster.

  berth cluster init          makes one, with an etcd of its own
  berth cluster join TOKEN    goes into one; "berth cluster token" on a host of it prints TOKEN
  berthd --cluster-store      uses an etcd that is there already
`;

/** What comes before the table. */
export function clusterText({ Kind, State, Reason, Endpoints, Prefix, Quorum, Networks }: ClusterStatus): string {
  if (Kind === 'none') return NO_CLUSTER;
  const lines = [
    `State:     ${State}${Reason === '' ? '' : `: ${Reason}`}`,
    `etcd:      ${Endpoints.join(', ')}${Kind === 'given' ? ` (--cluster-store, prefix ${Prefix})` : ''}`,
    ...(Quorum ? [`Members:   ${quorumText(Quorum)}`] : []),
    `Networks:  ${Networks}`,
  ];
  return `${lines.join('\n')}\n\n`;
}

function quorumText({ Voters, Answering }: { Voters: number; Answering: number }): string {
  const needed = Math.floor(Voters / 2) + 1;
  const text = `${Answering} of ${Voters} answer, ${needed} needed`;
  return Answering < needed ? `${text}: nothing can be changed until more of them do` : text;
}
