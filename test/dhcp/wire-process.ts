/** What packet sockets of src/dhcp hear in one namespace of what is sent in it and in another. argv: listener's path, speakers' paths. */
import { setTimeout as sleep } from 'node:timers/promises';
import { PacketWire } from '../../src/dhcp/packet-wire.ts';
import { HeldNamespace } from '../../src/linux/held-namespace.ts';
import { Readiness } from '../../src/linux/listen-readiness.ts';
import { silent } from '../../src/log.ts';

const [listener = '', ...speakers] = process.argv.slice(2);
const readiness = new Readiness();
const heard: string[] = [];
const wire = (path: string, mac: string): PacketWire =>
  new PacketWire({
    namespace: new HeldNamespace(path),
    interfaceName: 'eth0',
    mac,
    readiness,
    log: silent,
    receive: () => undefined,
    heard: ({ senderMac }) => void heard.push(senderMac),
  });

const ear = wire(listener, '02:00:00:00:00:00');
ear.listen({ dhcp: true, arp: true });
for (const [index, path] of speakers.entries()) {
  const mouth = wire(path, `02:00:00:00:00:0${index + 1}`);
  mouth.probe('192.0.2.99');
  await mouth.closed();
}
for (let round = 0; heard.length === 0 && round < 100; round++) await sleep(20);
await ear.closed();
process.stdout.write(heard.join(' '));
process.exit(0);
