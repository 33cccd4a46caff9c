/** docker-compose 1.29 and networks: what a file asks for is what containers see. */
import assert from 'node:assert/strict';
import { scenarios } from '../compatibility/scenarios.ts';
import { OUTSIDE, type Host } from '../support/host.ts';
import type { Daemon } from '../support/daemon.ts';
import { everything, project } from './compose-project.ts';

const prepare = async (host: Host): Promise<{ host: Host; daemon: Daemon }> => ({
  host,
  daemon: await host.startDaemon(),
});

const WEB = 'command: httpd -f -p 80 -h /etc\n    init: true';
const IDLE = 'command: sleep 1000\n    init: true';
const lines = (text: string): string[] => text.split('\n').filter(Boolean).toSorted();

scenarios({ client: 'docker-compose 1.29', outside: true }, prepare, {
  'networks with IPAM settings, static addresses and aliases': async ({ host, daemon }) => {
    const { ok, inspect, sh, eventually } = project(
      host,
      daemon,
      'addressed',
      `
services:
  web:
    image: busybox
    platform: linux
    ${WEB}
    networks:
      front:
        ipv4_address: 172.28.0.10
        ipv6_address: fd00:28::10
        aliases: [www, www.example.test]
      back: {}
  db:
    image: busybox
    ${IDLE}
    networks:
      front: {}
      back:
        aliases: [database]
networks:
  front:
    enable_ipv6: true
    driver_opts:
      com.docker.network.bridge.name: br-front
      com.docker.network.driver.mtu: "1400"
    labels: { tier: front }
    ipam:
      driver: default
      config:
        - subnet: 172.28.0.0/16
          gateway: 172.28.0.254
          ip_range: 172.28.5.0/30
          aux_addresses: { router: 172.28.5.0, printer: 172.28.5.1 }
        - subnet: fd00:28::/64
  back:
    internal: true
`,
    );
    await ok('up', '-d');
    const front = await daemon.dockerOk('network', 'inspect', '-f', '{{json .}}', 'addressed_front');
    const { IPAM, Labels, Options, EnableIPv6 } = JSON.parse(front) as Record<string, unknown>;
    assert.deepEqual(
      { IPAM, Options, EnableIPv6 },
      {
        IPAM: {
          Driver: 'default',
          Options: {},
          Config: [
            {
              Subnet: '172.28.0.0/16',
              IPRange: '172.28.5.0/30',
              Gateway: '172.28.0.254',
              AuxiliaryAddresses: { printer: '172.28.5.1', router: '172.28.5.0' },
            },
            { Subnet: 'fd00:28::/64', Gateway: 'fd00:28::1' },
          ],
        },
        Options: { 'com.docker.network.bridge.name': 'br-front', 'com.docker.network.driver.mtu': '1400' },
        EnableIPv6: true,
      },
    );
    assert.deepEqual(Labels, {
      tier: 'front',
      'com.docker.compose.network': 'front',
      'com.docker.compose.project': 'addressed',
      'com.docker.compose.version': '1.29.2',
    });
    const filter = ['--filter', 'label=com.docker.compose.project=addressed'];
    assert.deepEqual(
      lines(await daemon.dockerOk('network', 'ls', ...filter, '--format', '{{.Name}} {{.Label "tier"}}')),
      ['addressed_back ', 'addressed_front front'],
    );
    assert.equal(
      await inspect(
        'web',
        '{{with .NetworkSettings.Networks.addressed_front}}{{.IPAddress}} {{.GlobalIPv6Address}}{{end}}',
      ),
      '172.28.0.10 fd00:28::10',
    );
    // Two of the four addresses of the range are taken by others.
    assert.match(await inspect('db', '{{.NetworkSettings.Networks.addressed_front.IPAddress}}'), /^172\.28\.5\.[23]$/);
    assert.equal(await eventually('db', 'wget -qO- http://www.example.test/hostname'), await sh('web', 'hostname'));
    assert.equal(await sh('db', 'nslookup -type=aaaa www. | grep -c fd00:28::10'), '1');
    assert.equal(await sh('db', 'cat /sys/class/net/*/mtu | sort -u'), '1400\n1500\n65536');
    assert.match(await sh('web', 'nslookup -type=a database. | tail -n +3'), /Address: 172\./);
    assert.match(await sh('db', 'ip route | grep default'), /^default via 172\.28\.0\.254 /);
    await ok('down');
    assert.deepEqual(await everything(daemon), []);
  },

  'network_mode of a service, of a container, none and host': async ({ host, daemon }) => {
    const { ok, sh, inspect } = project(
      host,
      daemon,
      'modes',
      `
services:
  web: { image: busybox, init: true, command: httpd -f -p 80 -h /etc }
  side: { image: busybox, init: true, command: sleep 1000, network_mode: "service:web" }
  alone: { image: busybox, init: true, command: sleep 1000, network_mode: none }
  host: { image: busybox, init: true, command: sleep 1000, network_mode: host }
  other: { image: busybox, init: true, command: sleep 1000, network_mode: "container:outsider" }
  default: { image: busybox, init: true, command: sleep 1000, network_mode: bridge }
`,
    );
    await daemon.dockerOk('run', '-d', '--init', '--name', 'outsider', 'busybox', 'sleep', '1000');
    await ok('up', '-d');
    assert.equal(await sh('side', 'readlink /proc/self/ns/net'), await sh('web', 'readlink /proc/self/ns/net'));
    assert.equal(await sh('side', 'wget -qO- http://127.0.0.1/hostname'), await sh('web', 'hostname'));
    assert.equal(await sh('alone', 'ls /sys/class/net'), 'lo');
    assert.equal(
      await sh('host', 'readlink /proc/self/ns/net'),
      (await host.run('readlink', '/proc/self/ns/net')).trim(),
    );
    assert.equal(
      await sh('other', 'readlink /proc/self/ns/net'),
      await daemon.dockerOk('exec', 'outsider', 'readlink', '/proc/self/ns/net'),
    );
    assert.equal(
      await inspect('default', '{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}'),
      'bridge',
    );
    // Who is joined follows the one it joins.
    await ok('up', '-d', '--force-recreate', 'web', 'side');
    assert.equal(await sh('side', 'readlink /proc/self/ns/net'), await sh('web', 'readlink /proc/self/ns/net'));
    await ok('down');
    await daemon.dockerOk('rm', '-f', 'outsider');
    assert.deepEqual(await everything(daemon), []);
  },

  'published ports: ranges, long syntax, addresses, UDP': async ({ host, daemon }) => {
    const { ok, inspect } = project(
      host,
      daemon,
      'ports',
      `
services:
  web:
    image: busybox
    ${WEB}
    expose: ["9000"]
    ports:
      - "8080:80"
      - "127.0.0.1:8081:80"
      - "7000-7002:7000-7002/udp"
      - "80"
      - { target: 80, published: 8082, protocol: tcp, mode: host }
`,
    );
    await ok('up', '-d');
    assert.equal(await ok('port', 'web', '80').then((text) => text.split(':').length), 2);
    assert.equal(await ok('port', '--protocol=udp', 'web', '7001'), '0.0.0.0:7001');
    const bindings = JSON.parse(await inspect('web', '{{json .HostConfig.PortBindings}}')) as Record<string, unknown[]>;
    assert.deepEqual(Object.keys(bindings).toSorted(), ['7000/udp', '7001/udp', '7002/udp', '80/tcp']);
    assert.equal(bindings['80/tcp']?.length, 4);
    for (const address of [`${OUTSIDE.host4}:8080`, `[${OUTSIDE.host6}]:8080`, `${OUTSIDE.host4}:8082`]) {
      await host.outside.run('curl', '-sfg', '--retry', '5', '--retry-connrefused', `http://${address}/hostname`);
    }
    await host.run('curl', '-sf', 'http://127.0.0.1:8081/hostname');
    assert.notEqual((await host.outside.exec(['curl', '-s', `http://${OUTSIDE.host4}:8081/`])).code, 0);
    await ok('down');
  },

  'external networks, shared by two projects': async ({ host, daemon }) => {
    const file = `
services:
  app:
    image: busybox
    ${WEB}
    networks: { shared: { aliases: ["\${COMPOSE_PROJECT_NAME}-app"] }, default: {} }
networks:
  shared: { external: true, name: meeting }
`;
    const [one, two] = [project(host, daemon, 'one', file), project(host, daemon, 'two', file)];
    const missing = await one.compose('up', '-d');
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /Network meeting declared as external, but could not be found/);
    await daemon.dockerOk('network', 'create', 'meeting');
    one.write(file.replaceAll('${COMPOSE_PROJECT_NAME}', 'one'));
    two.write(file.replaceAll('${COMPOSE_PROJECT_NAME}', 'two'));
    await Promise.all([one.ok('up', '-d'), two.ok('up', '-d')]);
    assert.equal(await one.eventually('app', 'wget -qO- http://two-app/hostname'), await two.sh('app', 'hostname'));
    assert.equal(await two.sh('app', 'nslookup -type=a app. | grep -c Address:.172'), '2');
    assert.match(await one.ok('ps'), /one_app_1/);
    assert.doesNotMatch(await one.ok('ps'), /two_app_1/);
    const still = await one.compose('down');
    assert.equal(still.code, 0);
    assert.match(still.stderr, /Network meeting is external, skipping/);
    assert.deepEqual(await everything(daemon), ['meeting', 'two_app_1', 'two_default']);
    await two.ok('down');
    await daemon.dockerOk('network', 'rm', 'meeting');
    assert.deepEqual(await everything(daemon), []);
  },

  'links, extra_hosts, dns, hostname, sysctls': async ({ host, daemon }) => {
    const { ok, sh, eventually } = project(
      host,
      daemon,
      'settings',
      `
services:
  web:
    image: busybox
    ${WEB}
  app:
    image: busybox
    ${IDLE}
    hostname: apphost
    domainname: example.test
    links: ["web:cache"]
    extra_hosts: ["other:10.9.8.7", "six:fd00::9"]
    dns: [198.51.100.53]
    dns_search: [example.test]
    dns_opt: ["timeout:1"]
    sysctls: { net.ipv4.ip_unprivileged_port_start: 0 }
    cap_add: [NET_ADMIN]
    mac_address: 02:42:00:00:00:77
`,
    );
    await ok('up', '-d');
    assert.equal(await eventually('app', 'wget -qO- http://cache/hostname'), await sh('web', 'hostname'));
    assert.match(await sh('app', 'cat /etc/hosts'), /^10\.9\.8\.7\s+other$/m);
    assert.match(await sh('app', 'cat /etc/hosts'), /^fd00::9\s+six$/m);
    assert.match(await sh('app', 'cat /etc/resolv.conf'), /^search example\.test$/m);
    assert.match(await sh('app', 'cat /etc/resolv.conf'), /^options .*timeout:1/m);
    assert.equal(await sh('app', 'hostname -f'), 'apphost.example.test');
    assert.equal(await sh('app', 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start'), '0');
    assert.equal(await sh('app', 'cat /sys/class/net/eth0/address'), '02:42:00:00:00:77');
    await ok('down');
    assert.deepEqual(await everything(daemon), []);
  },
});
