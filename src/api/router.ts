/**
 * Routes are '/noun/{id}/verb'; '{name*}' takes slashes too (image names). They are compiled once and looked up by
 * method and first segment, so that a request tries a handful of expressions.
 */
import { invalidParameter } from '../errors.ts';
import type { Exchange } from './exchange.ts';

export interface Route {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  /** Takes the connection over when the client asks for it (Upgrade: tcp). */
  hijack?: boolean;
  handle(exchange: Exchange): Promise<void> | void;
}

export type Params = Readonly<Record<string, string>>;
interface Compiled {
  pattern: RegExp;
  route: Route;
}

export interface Match {
  route: Route;
  params: Params;
}

const keyOf = (method: string, path: string): string => `${method} ${path.split('/', 2)[1] ?? ''}`;

function compile(path: string): RegExp {
  const source = path.replace(/\{(\w+)(\*?)\}/g, (_, name: string, rest: string) =>
    rest === '' ? `(?<${name}>[^/]+)` : `(?<${name}>.+)`,
  );
  return new RegExp(`^${source}$`, 's');
}

export class Router {
  readonly #routes = new Map<string, Compiled[]>();

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      const key = keyOf(route.method, route.path);
      const bucket = this.#routes.get(key) ?? [];
      bucket.push({ pattern: compile(route.path), route });
      this.#routes.set(key, bucket);
    }
  }

  /** `path` is as it came, without version and query. Routes match the decoded path: clients encode '/' in names. */
  match(method: string, path: string): Match | undefined {
    const decoded = path.includes('%') ? decode(path) : path;
    for (const { pattern, route } of this.#routes.get(keyOf(method, decoded)) ?? []) {
      const found = pattern.exec(decoded);
      if (found !== null) return { route, params: found.groups ?? {} };
    }
    return undefined;
  }
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw invalidParameter('invalid URL escape in the path', cause);
  }
}
