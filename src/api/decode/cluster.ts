/** The bodies of /berth/cluster. */
import { bool, integer, object, string } from './kit.ts';

export const clusterInit = object<{ AdvertiseAddr: string }>('cluster.InitRequest', { AdvertiseAddr: string });

export const clusterJoin = object<{ AdvertiseAddr: string; Token: string }>('cluster.JoinRequest', {
  AdvertiseAddr: string,
  Token: string,
});

export const clusterLeave = object<{ Force: boolean }>('cluster.LeaveRequest', { Force: bool });

export const clusterPromote = object<{ Host: string }>('cluster.PromoteRequest', { Host: string });

/** Seconds; 0 for an hour. */
export const clusterToken = object<{ Life: number }>('cluster.TokenRequest', { Life: integer('int64') });
