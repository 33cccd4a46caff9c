/** What the tests of macvlan and ipvlan share. */
import type { Place } from '../support/host.ts';

/** Whether the kernel makes links of this kind: one is made on eth2 and taken away. */
export async function kernelHas(host: Pick<Place, 'exec'>, kind: 'dummy' | 'vlan' | 'ipvlan'): Promise<boolean> {
  const on = kind === 'dummy' ? [] : ['link', 'eth2'];
  const more = kind === 'vlan' ? ['id', '4000'] : [];
  const { code } = await host.exec(['ip', 'link', 'add', ...on, 'name', 'try0', 'type', kind, ...more]);
  if (code !== 0) return false;
  await host.exec(['ip', 'link', 'del', 'try0']);
  return true;
}
