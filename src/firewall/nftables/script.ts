/** Scripts for libnftables: each is one transaction. Pure. */
import type { TableContents } from '../../linux/nfnetlink.ts';
import type { SetElement } from '../../linux/nft-elements.ts';
import type { FirewallSettings } from '../firewall.ts';
import { definitions, ownNames, tableName, USER_CHAIN } from './definitions.ts';

/** Makes the table anew around the administrator's chain: until it is committed the old rules hold, then the new ones. */
export function setScript(
  settings: FirewallSettings,
  contents: TableContents | undefined,
  elements: readonly SetElement[],
): string {
  const table = tableName(settings.instance);
  return [
    `table inet ${table} {\n\tchain ${USER_CHAIN} {\n\t}\n}\n`,
    clearScript(table, contents),
    `table inet ${table} {\n`,
    ...definitions(settings).map(
      ({ kind, name, lines }) => `\t${kind} ${name} {\n${lines.map((line) => `\t\t${line}\n`).join('')}\t}\n`,
    ),
    '}\n',
    elementsScript(table, elements),
  ].join('');
}

/**
 * Deletes what is Berth's and there, by its name, so that it may be made with another definition. Rules go first: they hold
 * the sets; then maps, which hold the chains.
 */
function clearScript(table: string, contents: TableContents | undefined): string {
  const names = ownNames();
  const chains = contents?.chains.filter((name) => names.has(name)) ?? [];
  const sets = contents?.sets.filter(({ name }) => names.has(name)) ?? [];
  return [
    ...chains.map((name) => `flush chain inet ${table} ${name}\n`),
    ...sets.map(({ name, isMap }) => `delete ${isMap ? 'map' : 'set'} inet ${table} ${name}\n`),
    ...chains.map((name) => `delete chain inet ${table} ${name}\n`),
  ].join('');
}

/** The whole table, unless an administrator put something in: then all but that. */
export function removalScript(instance: string, contents: TableContents | undefined): string {
  if (contents === undefined) return '';
  const table = tableName(instance);
  const names = ownNames();
  const foreign =
    contents.userRules > 0 ||
    contents.chains.some((name) => name !== USER_CHAIN && !names.has(name)) ||
    contents.sets.some(({ name }) => !names.has(name));
  return foreign ? clearScript(table, contents) : `delete table inet ${table}\n`;
}

/** One command for each set, in the order of first mention. */
function elementsScript(table: string, elements: readonly SetElement[]): string {
  const bySet = Map.groupBy(elements, ({ set }) => set);
  return [...bySet]
    .map(([set, ofSet]) => {
      const texts = ofSet.map(({ key, value }) => (value === '' ? key : `${key} : ${value}`));
      return `add element inet ${table} ${set} {\n\t${texts.join(',\n\t')}\n}\n`;
    })
    .join('');
}
