import type { Command } from '../command.ts';
import { outputOf } from '../streams/output.ts';
import { pathOf } from '../path.ts';

interface Binding {
  HostIp: string;
  HostPort: string;
}

const bindingText = ({ HostIp, HostPort }: Binding): string =>
  HostIp.includes(':') ? `[${HostIp}]:${HostPort}` : `${HostIp}:${HostPort}`;

/** '80' → '80/tcp'. Throws with docker's words. */
function portOf(text: string): string {
  const [port = '', protocol = 'tcp'] = text.split('/');
  if (!/^\d+$/.test(port))
    throw new Error(
      `Error: invalid port (${port}): strconv.ParseUint: parsing ${JSON.stringify(port)}: invalid syntax`,
    );
  if (Number(port) > 65535)
    throw new Error(
      `Error: invalid port (${port}): strconv.ParseUint: parsing ${JSON.stringify(port)}: value out of range`,
    );
  return `${Number(port)}/${protocol}`;
}

export const command: Command = {
  path: 'port',
  aliases: ['container port'],
  usage: 'CONTAINER [PRIVATE_PORT[/PROTO]]',
  summary: 'List port mappings or a specific mapping for the container',
  flags: [],
  args: { min: 1, max: 2 },
  complete: 'running-container',
  async run({ client, stdout }, _values, [name = '', wanted]) {
    const { NetworkSettings } = await client.json<{
      NetworkSettings: { Ports?: Record<string, Binding[] | null> | null };
    }>('GET', `${pathOf('container', name)}/json`);
    const ports = NetworkSettings.Ports ?? {};
    let lines: string[];
    if (wanted === undefined || wanted === '') {
      lines = Object.entries(ports)
        .flatMap(([port, bindings]) => (bindings ?? []).map((binding) => `${port} -> ${bindingText(binding)}`))
        .toSorted((a, b) => parseInt(a) - parseInt(b) || (a < b ? -1 : 1));
    } else {
      lines = (ports[portOf(wanted)] ?? []).map(bindingText);
      if (lines.length === 0) throw new Error(`Error: No public port '${wanted}' published for ${name}`);
    }
    await outputOf(stdout).write(lines.map((line) => `${line}\n`).join(''));
    return 0;
  },
};
