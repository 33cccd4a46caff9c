import type { Command } from '../command.ts';
import { invitationText, type Invitation } from '../cluster/shared.ts';
import { quietFlag } from '../format/flags.ts';
import { outputOf } from '../streams/output.ts';

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** '90m' → seconds. */
function secondsOf(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,7})([smhd])$/.exec(text) ?? [];
  const factor = UNITS[unit];
  if (factor === undefined) throw new Error(`invalid duration ${JSON.stringify(text)}: expected 90m, 12h or the like`);
  return Number(count) * factor;
}

export const command: Command = {
  path: 'cluster token',
  usage: '[OPTIONS]',
  summary: 'Print how another host joins the cluster',
  flags: [
    {
      name: 'life',
      type: 'string',
      placeholder: 'duration',
      default: '1h',
      help: 'How long the token is valid',
      check: (value) => void secondsOf(value),
    },
    quietFlag('Only display the token'),
  ],
  args: { min: 0, max: 0 },
  async run({ client, stdout }, values) {
    const body = { Life: secondsOf(values.string('life')) };
    const invitation = await client.json<Invitation>('POST', '/berth/cluster/token', { body });
    await outputOf(stdout).write(values.bool('quiet') ? `${invitation.Token}\n` : invitationText(invitation));
    return 0;
  },
};
