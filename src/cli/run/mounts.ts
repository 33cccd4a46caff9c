/** --mount, --volume and --tmpfs. Pure; errors in docker's words. */
import { parseCsv } from './csv.ts';
import { parseBytes } from './values.ts';

/** As the API takes it; the daemon knows which types there are. */
export interface MountBody {
  Type: string;
  Source?: string;
  Target: string;
  ReadOnly?: boolean;
  Consistency?: string;
  BindOptions?: {
    Propagation?: string;
    NonRecursive?: boolean;
    CreateMountpoint?: boolean;
    ReadOnlyNonRecursive?: boolean;
    ReadOnlyForceRecursive?: boolean;
  };
  VolumeOptions?: {
    NoCopy?: boolean;
    Labels?: Record<string, string>;
    Subpath?: string;
    DriverConfig?: { Name?: string; Options?: Record<string, string> };
  };
  TmpfsOptions?: { SizeBytes?: number; Mode?: number };
}

/** These keys may stand alone and then mean 'true'. */
const SWITCHES = ['readonly', 'ro', 'volume-nocopy', 'bind-nonrecursive', 'bind-create-src'];

function toBool(key: string, value: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(value)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value)) return false;
  throw new Error(`invalid value for ${key}: ${value}`);
}

function pair(value: string, key: string): [string, string] {
  const equals = value.indexOf('=');
  if (equals < 1) throw new Error(`invalid value for ${key}: ${value} (must be NAME=VALUE)`);
  return [value.slice(0, equals), value.slice(equals + 1)];
}

/** 'type=bind,source=/a,target=/b,readonly' */
export function parseMount(text: string, absolute: (path: string) => string): MountBody {
  const mount: MountBody = { Type: 'volume', Target: '' };
  for (const field of parseCsv(text)) apply(mount, field);
  if (mount.Type === '') throw new Error('type is required');
  if (mount.Target === '') throw new Error('target is required');
  if (mount.VolumeOptions !== undefined && mount.Type !== 'volume') {
    throw new Error(`cannot mix 'volume-*' options with mount type '${mount.Type}'`);
  }
  if (mount.BindOptions !== undefined && mount.Type !== 'bind') {
    throw new Error(`cannot mix 'bind-*' options with mount type '${mount.Type}'`);
  }
  if (mount.TmpfsOptions !== undefined && mount.Type !== 'tmpfs') {
    throw new Error(`cannot mix 'tmpfs-*' options with mount type '${mount.Type}'`);
  }
  if (mount.BindOptions?.ReadOnlyNonRecursive === true && mount.ReadOnly !== true) {
    throw new Error("option 'bind-recursive=writable' requires 'readonly' to be specified in conjunction");
  }
  if (mount.Type === 'bind' && /^\.{1,2}(\/|$)/.test(mount.Source ?? '')) mount.Source = absolute(mount.Source ?? '');
  return mount;
}

function apply(mount: MountBody, field: string): void {
  const equals = field.indexOf('=');
  const key = (equals < 0 ? field : field.slice(0, equals)).trim().toLowerCase();
  let value = equals < 0 ? '' : field.slice(equals + 1).trim();
  if (equals < 0) {
    if (!SWITCHES.includes(key)) throw new Error(`invalid field '${field}' must be a key=value pair`);
    value = 'true';
  }
  const bind = (): NonNullable<MountBody['BindOptions']> => (mount.BindOptions ??= {});
  const volume = (): NonNullable<MountBody['VolumeOptions']> => (mount.VolumeOptions ??= {});
  const driver = (): { Name?: string; Options?: Record<string, string> } => (volume().DriverConfig ??= {});
  switch (key) {
    case 'type':
      mount.Type = value.toLowerCase();
      return;
    case 'source':
    case 'src':
      mount.Source = value;
      return;
    case 'target':
    case 'dst':
    case 'destination':
      mount.Target = value;
      return;
    case 'readonly':
    case 'ro':
      mount.ReadOnly = toBool(key, value);
      return;
    case 'consistency':
      mount.Consistency = value.toLowerCase();
      return;
    case 'bind-propagation':
      bind().Propagation = value.toLowerCase();
      return;
    case 'bind-nonrecursive':
      bind().NonRecursive = toBool(key, value);
      return;
    case 'bind-create-src':
      bind().CreateMountpoint = toBool(key, value);
      return;
    case 'bind-recursive':
      return recursive(bind(), value);
    case 'volume-nocopy':
      volume().NoCopy = toBool(key, value);
      return;
    case 'volume-subpath':
      volume().Subpath = value;
      return;
    case 'volume-label': {
      const [name, label] = value.includes('=') ? pair(value, key) : [value, ''];
      volume().Labels = { ...volume().Labels, [name]: label };
      return;
    }
    case 'volume-driver':
      driver().Name = value;
      return;
    case 'volume-opt': {
      const [name, option] = pair(value, key);
      driver().Options = { ...driver().Options, [name]: option };
      return;
    }
    case 'tmpfs-size':
      try {
        (mount.TmpfsOptions ??= {}).SizeBytes = parseBytes(value);
      } catch (error) {
        throw new Error(`invalid value for ${key}: ${value}`, { cause: error });
      }
      return;
    case 'tmpfs-mode':
      if (!/^[0-7]{1,7}$/.test(value)) throw new Error(`invalid value for ${key}: ${value}`);
      (mount.TmpfsOptions ??= {}).Mode = Number.parseInt(value, 8);
      return;
    default:
      throw new Error(`unexpected key '${key}' in '${field}'`);
  }
}

function recursive(options: NonNullable<MountBody['BindOptions']>, value: string): void {
  if (value === 'enabled') return;
  if (value === 'disabled') options.NonRecursive = true;
  else if (value === 'writable') options.ReadOnlyNonRecursive = true;
  else if (value === 'readonly') options.ReadOnlyForceRecursive = true;
  else
    throw new Error(
      `invalid value for bind-recursive: ${value} (must be "enabled", "disabled", "writable", or "readonly")`,
    );
}

export interface VolumeLists {
  /** 'source:target[:options]' */
  binds: string[];
  /** Targets of anonymous volumes. */
  volumes: Record<string, object>;
}

/**
 * A single path is an anonymous volume; everything with a colon stays the text it is, for the daemon to judge, but a
 * relative source is made absolute here: the daemon's working directory is another one.
 */
export function parseVolumes(specs: readonly string[], absolute: (path: string) => string): VolumeLists {
  const lists: VolumeLists = { binds: [], volumes: {} };
  for (const spec of specs) {
    if (spec === '') throw new Error('invalid empty volume spec');
    const [source = '', ...rest] = spec.split(':');
    if ([source, ...rest].includes('')) throw new Error(`invalid spec: ${spec}: empty section between colons`);
    if (rest.length === 0) lists.volumes[spec] = {};
    else lists.binds.push([source.startsWith('.') ? absolute(source) : source, ...rest].join(':'));
  }
  return lists;
}

/** '/run:rw,size=64k' → { '/run': 'rw,size=64k' } */
export function parseTmpfs(specs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    specs.map((spec) => {
      const colon = spec.indexOf(':');
      return colon < 0 ? [spec, ''] : [spec.slice(0, colon), spec.slice(colon + 1)];
    }),
  );
}
