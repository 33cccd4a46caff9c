/** /berth/cluster: Berth's own, beside the Docker Engine API. */
import type { ClusterCommands, Invitation } from '../cluster/managed/port.ts';
import { clusterInit, clusterJoin, clusterLeave, clusterPromote, clusterToken } from './decode/cluster.ts';
import type { Route } from './router.ts';

/** Seconds. */
const TOKEN_LIFE = 3600;

const invitationShape = ({ token, expires }: Invitation) => ({ Token: token, Expires: expires });

export function clusterRoutes(cluster: ClusterCommands): Route[] {
  return [
    {
      method: 'GET',
      path: '/berth/cluster',
      async handle(x) {
        const { kind, state, reason, endpoints, prefix, quorum, hosts, networks } = await cluster.status();
        x.json(200, {
          Kind: kind,
          State: state,
          Reason: reason,
          Endpoints: endpoints,
          Prefix: prefix,
          Quorum: quorum ? { Voters: quorum.voters, Answering: quorum.answering } : null,
          Networks: networks,
          Hosts: hosts.map((host) => ({
            Name: host.name,
            Address: host.address,
            Self: host.self,
            Role: host.role,
            State: host.state,
            Version: host.version,
          })),
        });
      },
    },
    {
      method: 'POST',
      path: '/berth/cluster/init',
      async handle(x) {
        const { AdvertiseAddr } = await x.body(clusterInit, 'InitRequest');
        const { invitation, address } = await cluster.init({ advertise: AdvertiseAddr });
        x.json(200, { Address: address, ...invitationShape(invitation) });
      },
    },
    {
      method: 'POST',
      path: '/berth/cluster/join',
      async handle(x) {
        const { AdvertiseAddr, Token } = await x.body(clusterJoin, 'JoinRequest');
        const { name, address, hosts } = await cluster.join({ token: Token, advertise: AdvertiseAddr });
        x.json(200, { Name: name, Address: address, Hosts: hosts });
      },
    },
    {
      method: 'POST',
      path: '/berth/cluster/leave',
      async handle(x) {
        const { Force } = await x.body(clusterLeave, 'LeaveRequest');
        x.json(200, { Notes: await cluster.leave({ force: Force }) });
      },
    },
    {
      method: 'DELETE',
      path: '/berth/cluster/hosts/{name}',
      async handle(x) {
        x.json(200, { Notes: await cluster.remove(x.param('name')) });
      },
    },
    {
      method: 'POST',
      path: '/berth/cluster/promote',
      async handle(x) {
        const { Host } = await x.body(clusterPromote, 'PromoteRequest');
        x.json(200, { Notes: await cluster.promote(Host) });
      },
    },
    {
      method: 'POST',
      path: '/berth/cluster/token',
      async handle(x) {
        const { Life } = await x.body(clusterToken, 'TokenRequest');
        x.json(200, invitationShape(await cluster.token({ life: Life || TOKEN_LIFE })));
      },
    },
  ];
}
