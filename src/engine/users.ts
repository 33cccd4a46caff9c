/** 'user[:group]' and supplementary groups against /etc/passwd and /etc/group of the root file system. Pure but for `read`. */
import { invalidParameter } from '../errors.ts';

export interface Identity {
  uid: number;
  gid: number;
  additionalGids: number[];
  /** '/' when passwd has none. */
  home: string;
}

/** The lines that have a number where both files have one: an image's files are hostile. */
const rows = (text: string): string[][] =>
  text
    .split('\n')
    .map((line) => line.split(':'))
    .filter(([, , id]) => /^\d+$/.test(id ?? ''));
const LARGEST_ID = 2 ** 31 - 1;

function numeric(text: string): number | undefined {
  if (!/^-?\d+$/.test(text)) return undefined;
  const id = Number(text);
  if (id < 0 || id > LARGEST_ID) throw invalidParameter(`uids and gids must be in range 0-${LARGEST_ID}`);
  return id;
}

/** `passwd` and `group` are the files' texts, '' when there is none. */
export function lookUpUser(user: string, groups: readonly string[], passwd: string, group: string): Identity {
  const [name = '', groupName = ''] = user.split(':');
  const users = rows(passwd);
  const groupRows = rows(group);
  const wanted = name === '' ? '0' : name;
  const entry = users.find(([login]) => login === wanted) ?? users.find(([, , uid]) => uid === wanted);
  const uid = entry === undefined ? numeric(wanted) : Number(entry[2]);
  if (uid === undefined) throw invalidParameter(`unable to find user ${name}: no matching entries in passwd file`);
  const gidOf = (text: string): number => {
    const row = groupRows.find(([label]) => label === text);
    const gid = row === undefined ? numeric(text) : Number(row[2]);
    if (gid !== undefined) return gid;
    throw invalidParameter(`unable to find group ${text}: no matching entries in group file`);
  };
  const gid = groupName === '' ? Number(entry?.[3]) || 0 : gidOf(groupName);
  const additional = new Set<number>();
  // With a group of its own named, a user brings none of those that list it.
  if (groupName === '' && entry !== undefined) {
    for (const [, , id, members = ''] of groupRows) {
      if (members.split(',').includes(entry[0] ?? '')) additional.add(Number(id));
    }
  }
  for (const label of groups) additional.add(gidOf(label));
  return { uid, gid, additionalGids: [...additional], home: entry?.[5] || '/' };
}
