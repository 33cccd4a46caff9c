import type { PortMap, PortMapEntry } from '../../model/container.ts';
import type { Command, Context, Values } from '../command.ts';
import { parsePorts, parseUnpublish } from '../run/ports.ts';
import { outputOf } from '../streams/output.ts';
import { pathOf } from '../path.ts';

const bindingText = ({ HostIp, HostPort }: PortMapEntry): string =>
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

const byPort = (a: string, b: string): number => parseInt(a) - parseInt(b) || (a < b ? -1 : 1);

/** '443/tcp -> 0.0.0.0:8443', by number. */
const linesOf = (ports: PortMap): string[] =>
  Object.entries(ports)
    .flatMap(([port, bindings]) => (bindings ?? []).map((binding) => `${port} -> ${bindingText(binding)}`))
    .toSorted(byPort);

async function change({ client }: Context, values: Values, name: string): Promise<PortMap> {
  const Add = parsePorts(values.list('add'), []).bindings;
  const Remove = parseUnpublish(values.list('rm'));
  const { Ports } = await client.json<{ Ports: PortMap }>('POST', `${pathOf('container', name)}/ports`, {
    body: { Add, Remove },
  });
  return Ports;
}

export const command: Command = {
  path: 'port',
  aliases: ['container port'],
  usage: '[OPTIONS] CONTAINER [PRIVATE_PORT[/PROTO]]',
  summary: 'List port mappings or a specific mapping for the container, or change them',
  flags: [
    {
      name: 'add',
      type: 'list',
      help: 'Publish one more port, written as for "run --publish"; the container may be running',
      check: (value) => void parsePorts([value], []),
    },
    {
      name: 'rm',
      type: 'list',
      help: 'Publish a port no more: CONTAINER_PORT[/PROTO] for all its mappings, or one as for "run --publish"',
      check: (value) => void parseUnpublish([value]),
    },
  ],
  args: { min: 1, max: 2 },
  complete: 'running-container',
  async run(context, values, [name = '', wanted]) {
    const { client, stdout } = context;
    const print = async (lines: readonly string[]): Promise<number> => {
      await outputOf(stdout).write(lines.map((line) => `${line}\n`).join(''));
      return 0;
    };
    if (values.given('add') || values.given('rm')) {
      if (wanted !== undefined) throw new Error('conflicting options: a port to list, and --add or --rm');
      return print(linesOf(await change(context, values, name)));
    }
    const { NetworkSettings } = await client.json<{
      NetworkSettings: { Ports?: PortMap | null };
    }>('GET', `${pathOf('container', name)}/json`);
    const ports = NetworkSettings.Ports ?? {};
    if (wanted === undefined || wanted === '') return print(linesOf(ports));
    const lines = (ports[portOf(wanted)] ?? []).map(bindingText);
    if (lines.length === 0) throw new Error(`Error: No public port '${wanted}' published for ${name}`);
    return print(lines);
  },
};
