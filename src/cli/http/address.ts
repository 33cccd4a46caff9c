/** Where the daemon listens, as DOCKER_HOST and -H say it. Pure. */
export type Address =
  | { kind: 'unix'; path: string; text: string }
  | { kind: 'tcp'; host: string; port: number; /** Before every path: '' or '/prefix'. */ base: string; text: string };

/** Docker's own default for tcp:// without a port. */
const TCP_PORT = 2375;

/** 'unix:///run/berth/berth.sock', 'tcp://127.0.0.1:2375', 'tcp://[::1]:2375', 'http://host:port/base'. */
export function parseAddress(text: string): Address {
  const match = /^([a-z+]+):\/\/(.*)$/s.exec(text);
  if (match === null) throw new Error(`unable to parse docker host \`${text}\``);
  const [, scheme = '', rest = ''] = match;
  if (scheme === 'unix') {
    if (rest === '') throw new Error(`unable to parse docker host \`${text}\`: no path`);
    return { kind: 'unix', path: rest, text };
  }
  if (scheme !== 'tcp' && scheme !== 'http') {
    throw new Error(`unable to parse docker host \`${text}\`: ${scheme}:// is not supported, use unix:// or tcp://`);
  }
  const authority = /^(?:\[([0-9a-fA-F:.%\w]+)\]|([^:/[\]]*))(?::(\d{1,5}))?(\/.*)?$/s.exec(rest);
  const port = Number(authority?.[3] ?? TCP_PORT);
  if (authority === null || port < 1 || port > 65535) {
    throw new Error(`unable to parse docker host \`${text}\`: invalid address`);
  }
  const host = authority[1] ?? authority[2] ?? '';
  return {
    kind: 'tcp',
    host: host === '' ? '127.0.0.1' : host,
    port,
    base: (authority[4] ?? '').replace(/\/+$/, ''),
    text,
  };
}
