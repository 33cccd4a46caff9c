/** --env, --env-file, --label and --label-file. Pure: the text of a file comes in. */

/** A name without value takes the client's own; unset there, it stays out (and unsets the image's, as 'NAME'). */
export function resolveEnv(entry: string, own: NodeJS.ProcessEnv): string {
  if (entry === '' || entry.startsWith('=')) throw new Error(`invalid environment variable: ${entry}`);
  if (entry.includes('=')) return entry;
  const value = own[entry];
  return value === undefined ? entry : `${entry}=${value}`;
}

/** Lines of KEY=VALUE or KEY; '#' begins a comment line. `name` is the file's, for errors. */
export function parseEnvFile(text: string, name: string, own: NodeJS.ProcessEnv): string[] {
  return lines(text, name).flatMap((line) => {
    const equals = line.indexOf('=');
    const key = equals < 0 ? line : line.slice(0, equals);
    if (key === '') throw invalid(name, `no variable name on line '${line}'`);
    if (/\s/.test(key)) throw invalid(name, `variable '${key}' contains whitespaces`);
    if (equals >= 0) return [line];
    const value = own[key];
    return value === undefined ? [] : [`${key}=${value}`];
  });
}

export function parseLabelFile(text: string, name: string): string[] {
  return lines(text, name).map((line) => {
    const key = line.split('=', 1)[0] ?? '';
    if (key === '') throw invalid(name, `no variable name on line '${line}'`);
    if (/\s/.test(key)) throw invalid(name, `variable '${key}' contains whitespaces`);
    return line;
  });
}

const invalid = (name: string, why: string): Error => new Error(`invalid env file (${name}): ${why}`);

function lines(text: string, name: string): string[] {
  if (text.includes('�')) throw invalid(name, 'contains invalid utf8 bytes');
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line) => line.trimStart())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** 'key=value' and 'key' → an object; a later one wins. */
export function toMap(entries: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry) => {
      const equals = entry.indexOf('=');
      return equals < 0 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
}

export function checkLabel(label: string): string {
  if (label === '' || label.startsWith('=')) throw new Error(`invalid label '${label}': empty name`);
  return label;
}
