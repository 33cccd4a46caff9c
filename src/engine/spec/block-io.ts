/** Block I/O of a container: its weight, and limits of what it reads from devices and writes to them (config-linux.md, "Block IO"). Pure. */
import type { HostConfig } from '../../model/container.ts';
import type { OciBlockDevice, OciBlockIo } from './oci.ts';

type Numbers = Pick<OciBlockDevice, 'major' | 'minor'>;

const LIMITS = {
  throttleReadBpsDevice: 'BlkioDeviceReadBps',
  throttleWriteBpsDevice: 'BlkioDeviceWriteBps',
  throttleReadIOPSDevice: 'BlkioDeviceReadIOps',
  throttleWriteIOPSDevice: 'BlkioDeviceWriteIOps',
} as const;

/** `numbersOf` throws when there is no such device. */
export function blockIoOf(host: HostConfig, numbersOf: (path: string) => Numbers): OciBlockIo | undefined {
  const io: OciBlockIo = {};
  if (host.BlkioWeight) io.weight = host.BlkioWeight;
  const weights = host.BlkioWeightDevice ?? [];
  if (weights.length > 0) io.weightDevice = weights.map(({ Path, Weight }) => ({ ...numbersOf(Path), weight: Weight }));
  for (const [limit, field] of Object.entries(LIMITS)) {
    const rates = host[field] ?? [];
    if (rates.length > 0) {
      io[limit as keyof typeof LIMITS] = rates.map(({ Path, Rate }) => ({ ...numbersOf(Path), rate: Rate }));
    }
  }
  return Object.keys(io).length > 0 ? io : undefined;
}
