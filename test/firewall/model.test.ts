/**
 * Whatever comes and goes, in whatever order: afterwards the kernel holds what set() of the same state makes. Sometimes somebody takes a
 * part away in between. BERTH_LONG=1 runs longer; SEED=n runs one again.
 */
import assert from 'node:assert/strict';
import type { NetworkRules, PortRule } from '../../src/drivers/plan.ts';
import type { FirewallChange } from '../../src/firewall/firewall.ts';
import { network, port } from '../../src/firewall/fixture.ts';
import { familyOf } from '../../src/firewall/state.ts';
import { hostTest } from '../support/host.ts';
import type { Host } from '../support/host.ts';
import { BACKENDS, startFirewall } from './support.ts';

/** mulberry32: small, and the same on every machine. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const MODES = ['nat', 'nat-unprotected', 'routed', 'isolated'] as const;

class Model {
  readonly #below: (below: number) => number;
  readonly networks = new Map<string, NetworkRules>();
  readonly ports = new Map<string, PortRule>();

  constructor(below: (below: number) => number) {
    this.#below = below;
  }

  /** A valid change, taken over at once. */
  step(): FirewallChange {
    const change = {
      remove: { networks: [] as NetworkRules[], ports: [] as PortRule[] },
      add: { networks: [] as NetworkRules[], ports: [] as PortRule[] },
    };
    for (let count = 1 + this.#below(3); count > 0; count--) {
      const family = this.#below(2) === 0 ? 4 : 6;
      const bridge = `br${this.#below(5)}`;
      const key = `${family} ${bridge}`;
      const there = this.networks.get(key);
      if (there === undefined) {
        const made = this.#network(bridge, family);
        this.networks.set(key, made);
        change.add.networks.push(made);
      } else if (this.#below(5) === 0) {
        for (const [place, one] of this.ports) {
          if (one.bridge !== bridge || familyOf(one.address) !== family) continue;
          this.ports.delete(place);
          change.remove.ports.push(one);
        }
        this.networks.delete(key);
        change.remove.networks.push(there);
      } else this.#togglePort(there, change);
    }
    return withoutPassing(change);
  }

  #network(bridge: string, family: 4 | 6): NetworkRules {
    const mode = MODES[this.#below(4)] ?? 'nat';
    return network(bridge, Number(bridge.slice(2)), family, {
      mode,
      internal: mode === 'isolated' || this.#below(5) === 0,
      interContainer: this.#below(3) > 0,
      masquerade: this.#below(3) > 0,
      sourceAddress: this.#below(4) === 0 ? (family === 4 ? '192.0.2.9' : '2001:db8::9') : '',
      trustedInterfaces: this.#below(4) === 0 ? ['eth0', 'eth1'] : [],
    });
  }

  #togglePort({ bridge, family, internal, mode }: NetworkRules, change: { remove: Changed; add: Changed }): void {
    if (internal) return;
    const number = Number(bridge.slice(2));
    const host = 2 + this.#below(3);
    const address = family === 4 ? `172.${16 + number}.0.${host}` : `fd00:${number}::${host}`;
    const any = family === 4 ? '0.0.0.0' : '::';
    const one = family === 4 ? '127.0.0.1' : '2001:db8::1';
    const wanted = port(bridge, address, {
      protocol: this.#below(2) === 0 ? 'tcp' : 'udp',
      hostAddress: this.#below(3) === 0 ? one : any,
      hostPort: mode === 'routed' ? 0 : 8000 + 10 * number + this.#below(6),
      port: 80 + this.#below(2),
    });
    const place = `${wanted.protocol} ${wanted.hostAddress} ${wanted.hostPort || `${address} ${wanted.port}`}`;
    const there = this.ports.get(place);
    if (there === undefined) {
      this.ports.set(place, wanted);
      change.add.ports.push(wanted);
    } else {
      this.ports.delete(place);
      change.remove.ports.push(there);
    }
  }
}

interface Changed {
  networks: NetworkRules[];
  ports: PortRule[];
}

/** What is made and taken away within one change is left out of it. */
function withoutPassing({ remove, add }: { remove: Changed; add: Changed }): FirewallChange {
  const only = <T>(items: readonly T[], others: readonly T[]): T[] => items.filter((item) => !others.includes(item));
  return {
    remove: { networks: only(remove.networks, add.networks), ports: only(remove.ports, add.ports) },
    add: { networks: only(add.networks, remove.networks), ports: only(add.ports, remove.ports) },
  };
}

/** The chains of iptables, and the one rule in FORWARD: they stay until the next set() when their last network has gone. */
const FRAME =
  /^(?:[:*}]|COMMIT|table ip6? |chain (?:POSTROUTING|FORWARD) |type \w+ hook \w+ priority (?:srcnat|filter); |.*0x0*1000.* accept$|.*0x1000 -j)/;

/** Order means nothing: the sets have none, and the rules of different networks do not meet. */
async function rules(host: Host): Promise<string[]> {
  const texts = [
    await host.run('nft', 'list', 'ruleset'),
    await host.run('iptables-save'),
    await host.run('ip6tables-save'),
  ];
  return texts
    .join('\n')
    .replaceAll(/^#.*\n/gm, '')
    .split(/,?\n/)
    .map((line) => line.replace(/elements = \{|\}$/, '').trim())
    .filter((line) => line !== '' && !FRAME.test(line))
    .toSorted();
}

const long = process.env['BERTH_LONG'] === '1';
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

for (const backend of BACKENDS) {
  hostTest(`${backend}: after any changes the rules are those of the state (SEED=${seed})`, {}, async (host) => {
    const below = random(seed);
    const model = new Model(below);
    await using firewall = await startFirewall(host, backend);
    await firewall.set({ networks: [], ports: [] });
    const rounds = (long ? 20 : 1) * (backend === 'nftables' ? 6 : 3);
    for (let round = 0; round < rounds; round++) {
      for (let steps = backend === 'nftables' ? 12 : 3; steps > 0; steps--) await firewall.change(model.step());
      if (backend === 'nftables' && round % 3 === 2) {
        await host.run('nft', 'delete', 'table', 'inet', 'berth');
        // Any change that touches the table finds out.
        while (firewall.warnings.length === 0) await firewall.change(model.step());
        assert.match(firewall.warnings.splice(0).join('\n'), /made anew/);
      }
      const changed = await rules(host);
      await firewall.set({ networks: [...model.networks.values()], ports: [...model.ports.values()] });
      assert.deepEqual(changed, await rules(host), `SEED=${seed}`);
    }
    assert.deepEqual(firewall.warnings, []);
    await firewall.change({
      remove: { networks: [...model.networks.values()], ports: [...model.ports.values()] },
    });
    assert.doesNotMatch(await host.run('nft', 'list', 'ruleset'), /br\d|172\.|fd00/);
    await firewall.remove();
  });
}
