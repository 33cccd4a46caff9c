/** Published and exposed ports as `ps` shows them: neighbours as ranges. Pure. */
export interface Port {
  IP?: string;
  PrivatePort: number;
  PublicPort?: number;
  Type: string;
}

const address = (ip: string, port: number | string): string => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`);

const compare = (a: Port, b: Port): number =>
  a.PrivatePort - b.PrivatePort ||
  ((a.IP ?? '') < (b.IP ?? '') ? -1 : Number(a.IP !== b.IP)) ||
  (a.PublicPort ?? 0) - (b.PublicPort ?? 0) ||
  (a.Type < b.Type ? -1 : Number(a.Type !== b.Type));

interface Run {
  ip: string;
  type: string;
  first: number;
  last: number;
}

function runText({ ip, type, first, last }: Run): string {
  const ports = first === last ? String(first) : `${first}-${last}`;
  return `${ip === '' ? '' : `${address(ip, ports)}->`}${ports}/${type}`;
}

/** Exposed ports, and those published under the same number, run together; others stand alone and last. */
export function portsText(ports: readonly Port[]): string {
  const open = new Map<string, Run>();
  const done: string[] = [];
  const mapped: string[] = [];
  for (const { IP = '', PrivatePort, PublicPort = 0, Type } of ports.toSorted(compare)) {
    if (IP !== '' && PublicPort !== PrivatePort) {
      mapped.push(`${address(IP, PublicPort)}->${PrivatePort}/${Type}`);
      continue;
    }
    const key = `${IP}/${Type}`;
    const run = open.get(key);
    if (run !== undefined && PrivatePort === run.last + 1) {
      run.last = PrivatePort;
    } else {
      if (run !== undefined) done.push(runText(run));
      const fresh = { ip: IP, type: Type, first: PrivatePort, last: PrivatePort };
      if (run === undefined) open.set(key, fresh);
      else Object.assign(run, fresh);
    }
  }
  return [...done, ...[...open.values()].map(runText), ...mapped].join(', ');
}
