/** Scripts for libnftables: each is one transaction. Pure. */
import type { TableContents } from '../../linux/nfnetlink.ts';
import type { FirewallSettings } from '../firewall.ts';
import { definitions, ownNames, tableName, USER_CHAIN } from './definitions.ts';
import type { Element } from './elements.ts';

/** Makes the table anew around the administrator's chain: until it is committed the old rules hold, then the new ones. */
export function setScript(
  settings: FirewallSettings,
  contents: TableContents | undefined,
  elements: readonly Element[],
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
    elementsScript(table, 'add', elements),
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

export const changeScript = (instance: string, removed: readonly Element[], added: readonly Element[]): string =>
  elementsScript(tableName(instance), 'delete', removed) + elementsScript(tableName(instance), 'add', added);

/** One command for each set, in the order of first mention. */
function elementsScript(table: string, operation: 'add' | 'delete', elements: readonly Element[]): string {
  const bySet = new Map<string, string[]>();
  for (const { set, key, value } of elements) {
    const texts = bySet.get(set) ?? [];
    texts.push(operation === 'delete' || value === '' ? key : `${key} : ${value}`);
    bySet.set(set, texts);
  }
  return [...bySet]
    .map(([set, texts]) => `${operation} element inet ${table} ${set} {\n\t${texts.join(',\n\t')}\n}\n`)
    .join('');
}
