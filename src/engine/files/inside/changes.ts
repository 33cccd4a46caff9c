/**
 * What a container changed: its own layer against the image's, as overlay writes it down
 * (kernel's Documentation/filesystems/overlayfs.rst): a character device 0:0 says that a name is gone, the attribute
 * trusted.overlay.opaque that a directory hides the one below.
 */
import { posix } from 'node:path';
import { attribute } from '../../../linux/node-files.ts';
import { toBytes } from '../../../tar/header.ts';
import { lookAt, namesIn, type Stat } from './bytes.ts';

/** Directories of the two layers. */
export interface Layers {
  upper: string;
  lower: string;
}

/** As private-view.ts mounts them. */
export const LAYERS: Layers = { upper: '/upper', lower: '/lower' };

export interface Change {
  /** 'same': copied up, and no different from before as far as one can see without reading it. */
  kind: 'added' | 'changed' | 'deleted' | 'same';
  /** Absolute, as in the container. */
  path: string;
  /** undefined: deleted. */
  stat: Stat | undefined;
  /** A directory that hides the one below. */
  opaque: boolean;
}

const isWhiteout = (stat: Stat): boolean => stat.isCharacterDevice() && stat.rdev === 0n;

function isOpaque(path: string): boolean {
  return attribute(toBytes(path), 'trusted.overlay.opaque')?.toString() === 'y';
}

const capability = (path: string): string => attribute(toBytes(path), 'security.capability')?.toString('latin1') ?? '';

const SECOND = 1_000_000_000n;
/** Some file systems and archives keep whole seconds only. */
const sameTime = (a: bigint, b: bigint): boolean =>
  a === b || (a / SECOND === b / SECOND && (a % SECOND === 0n || b % SECOND === 0n));

/** By Docker's measure: a directory's time and size say nothing. */
function differs({ upper, lower }: Layers, path: string, now: Stat, before: Stat): boolean {
  if (now.mode !== before.mode || now.uid !== before.uid || now.gid !== before.gid || now.rdev !== before.rdev)
    return true;
  if (!now.isDirectory() && (now.size !== before.size || !sameTime(now.mtimeNs, before.mtimeNs))) return true;
  return capability(upper + path) !== capability(lower + path);
}

/** Mount points and what is above them. */
class OwnPlaces {
  readonly #points: ReadonlySet<string>;
  readonly #above: ReadonlySet<string>;

  constructor(points: readonly string[]) {
    this.#points = new Set(points);
    this.#above = new Set(points.flatMap((point) => ancestorsOf(point)));
  }

  /** An empty file or directory that was made to mount something on it; `undecided` until it is known to be empty. */
  judge(path: string, stat: Stat): 'own' | 'undecided' | 'not' {
    const point = this.#points.has(path);
    if (point && stat.isFile() && stat.size === 0n) return 'own';
    return stat.isDirectory() && (point || this.#above.has(path)) ? 'undecided' : 'not';
  }
}

function ancestorsOf(path: string): string[] {
  const above = posix.dirname(path);
  return above === '/' ? [] : [above, ...ancestorsOf(above)];
}

/**
 * Parents before what is in them, names in the order of their bytes. A directory that did not change itself comes along
 * when something in it did. `spelledOut`: what an opaque directory hides is told name by name.
 */
export function* changes(layers: Layers, own: readonly string[], spelledOut: boolean): Generator<Change> {
  const places = new OwnPlaces(own);
  /** Directories on the way down that are told when something in them is. */
  const waiting: Change[] = [];

  function* told(change: Change): Generator<Change> {
    yield* waiting.splice(0);
    yield change;
  }

  function* inside(directory: string, below: boolean, opaque: boolean): Generator<Change> {
    const upper = namesIn(layers.upper + directory);
    const names = spelledOut && below && opaque ? withHidden(upper, namesIn(layers.lower + directory)) : upper;
    for (const name of names) {
      const path = posix.join(directory, name);
      const now = lookAt(layers.upper + path);
      const before = below ? lookAt(layers.lower + path) : undefined;
      if (now === undefined || isWhiteout(now)) {
        if (before !== undefined) yield* told({ kind: 'deleted', path, stat: undefined, opaque: false });
        continue;
      }
      const hides = now.isDirectory() && before?.isDirectory() === true && isOpaque(layers.upper + path);
      yield* one({ kind: kindOf(layers, path, now, before), path, stat: now, opaque: hides }, now, before);
    }
  }

  function* one(change: Change, now: Stat, before: Stat | undefined): Generator<Change> {
    const judged = before === undefined ? places.judge(change.path, now) : 'not';
    if (judged === 'own') return;
    if (!now.isDirectory()) {
      if (change.kind !== 'same' || !spelledOut) yield* told(change);
      return;
    }
    const depth = waiting.length;
    // That a directory hides the one below is something a layer has to say, whatever is in it.
    const silent = change.kind === 'same' && (spelledOut || !change.opaque);
    if (judged === 'undecided' || silent) waiting.push(change);
    else yield* told(change);
    yield* inside(change.path, before?.isDirectory() === true, change.opaque);
    if (waiting.length > depth) waiting.length = depth;
  }

  yield* inside('/', true, false);
}

const kindOf = (layers: Layers, path: string, now: Stat, before: Stat | undefined): Change['kind'] => {
  if (before === undefined) return 'added';
  return differs(layers, path, now, before) ? 'changed' : 'same';
};

const withHidden = (upper: readonly string[], lower: readonly string[]): string[] =>
  [...new Set([...upper, ...lower])].toSorted((a, b) => (a < b ? -1 : 1));
