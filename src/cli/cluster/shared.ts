/** What several commands of `cluster` have in common. */
import type { Context, Flag } from '../command.ts';
import { harmless } from '../format/text.ts';
import { outputOf } from '../streams/output.ts';

export interface Invitation {
  Token: string;
  /** RFC 3339. */
  Expires: string;
}

export const advertiseFlag: Flag = {
  name: 'advertise-addr',
  type: 'string',
  placeholder: 'address|interface',
  help: 'Address of this host by which the others reach it, or the interface that has it',
};

export const invitationText = ({ Token, Expires }: Invitation): string =>
  `On another host, as root:

    berth cluster join ${Token}

Keep the token to yourself: until ${Expires} it lets any host in. "berth cluster token" makes another one.
`;

/** What the daemon has to say beside the result. */
export async function writeNotes({ stderr }: Pick<Context, 'stderr'>, notes: readonly string[]): Promise<void> {
  await outputOf(stderr).write(notes.map((note) => `NOTE: ${harmless(note)}\n`).join(''));
}
