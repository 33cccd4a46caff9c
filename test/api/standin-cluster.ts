/** The cluster below the API's tests: a host that is in none, goes into one, and comes out of it. */
import { conflict } from '../../src/errors.ts';
import type { ClusterCommands, ClusterReport, Invitation } from '../../src/cluster/managed/port.ts';

export class StandinCluster implements ClusterCommands {
  readonly calls: unknown[] = [];
  #inside = false;

  async init(request: { advertise: string }): Promise<{ invitation: Invitation; address: string }> {
    this.calls.push({ init: request });
    if (this.#inside) throw conflict('this host is in a cluster already');
    this.#inside = true;
    return { address: request.advertise || '192.0.2.1', invitation: await this.token({ life: 3600 }) };
  }
  async join(request: { token: string; advertise: string }): Promise<{ name: string; address: string; hosts: number }> {
    this.calls.push({ join: request });
    return { name: 'a', address: '192.0.2.2', hosts: 2 };
  }
  async leave(request: { force: boolean }): Promise<string[]> {
    this.calls.push({ leave: request });
    this.#inside = false;
    return ['one member is left'];
  }
  async remove(host: string): Promise<string[]> {
    this.calls.push({ remove: host });
    return [];
  }
  async promote(host: string): Promise<string[]> {
    this.calls.push({ promote: host });
    return [];
  }
  async token(request: { life: number }): Promise<Invitation> {
    this.calls.push({ token: request });
    return { token: 'BERTH1-x', expires: '2026-11-27T08:00:00.000Z' };
  }
  async status(): Promise<ClusterReport> {
    return {
      kind: this.#inside ? 'managed' : 'none',
      state: this.#inside ? 'joined' : 'none',
      reason: '',
      endpoints: ['https://192.0.2.1:2379'],
      prefix: '/berth',
      quorum: this.#inside ? { voters: 1, answering: 1 } : undefined,
      hosts: [{ name: 'a', address: '192.0.2.1', self: true, role: 'leader', state: 'up', version: '1.0.0' }],
      networks: 0,
    };
  }
}
