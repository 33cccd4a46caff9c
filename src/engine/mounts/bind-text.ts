/** HostConfig.Binds, `-v` of the command line: 'source:destination[:mode]'. Pure but for its environment. */
import { invalidParameter } from '../../errors.ts';
import { type MountEnvironment, type Planned, planVolume } from './environment.ts';
import { parseMode } from './modes.ts';
import { cleanPath, targetFault } from './paths.ts';

/** A source that is not there is made by the caller. `driver`: HostConfig.VolumeDriver. */
export function parseBind(text: string, environment: MountEnvironment, driver?: string): Planned {
  const specification = `invalid volume specification: '${text}'`;
  const words = text.split(':');
  const [first = '', second = ''] = words;
  // 'destination:mode' names no source.
  if (words.length > 3 || first === '' || (words.length === 2 && parseMode(second) !== undefined)) {
    throw invalidParameter(specification);
  }
  const [source, destination, options] = words.length === 1 ? ['', first, ''] : [first, second, words[2] ?? ''];
  const mode = parseMode(options);
  if (mode === undefined) throw invalidParameter(`invalid mode: ${options}`);
  const type = source.startsWith('/') ? 'bind' : 'volume';
  const fault =
    targetFault(destination) ??
    (type === 'bind' && mode.nocopy ? 'field VolumeOptions must not be specified' : undefined) ??
    (type === 'volume' && mode.propagation !== undefined ? 'field BindOptions must not be specified' : undefined);
  if (fault !== undefined)
    throw invalidParameter(`${specification}: invalid mount config for type "${type}": ${fault}`);
  const target = cleanPath(destination);
  if (type === 'volume') {
    return planVolume(environment, {
      name: source,
      destination: target,
      mode: options || 'z',
      rw: mode.rw,
      nocopy: mode.nocopy,
      driver,
    });
  }
  return {
    mount: {
      Type: 'bind',
      Source: cleanPath(source),
      Destination: target,
      Mode: options,
      RW: mode.rw,
      Propagation: mode.propagation ?? 'rprivate',
      recursive: true,
      copyUp: false,
      anonymous: false,
    },
  };
}
