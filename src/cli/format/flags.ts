/** The flags that say how something is printed. Pure. */
import type { Flag } from '../command.ts';

export const formatListFlag: Flag = {
  name: 'format',
  type: 'string',
  help: `How to print each row:
'table': a table with headers (default)
'table TEMPLATE': a table of the columns of a Go template
'json': a JSON object a line
'TEMPLATE': a Go template`,
};

export const formatFlag = (short?: string): Flag => ({
  name: 'format',
  ...(short === undefined ? {} : { short }),
  type: 'string',
  help: `How to print:
'json': as JSON
'TEMPLATE': with a Go template`,
});

export const noTruncFlag: Flag = { name: 'no-trunc', type: 'bool', help: "Don't truncate output" };

export const quietFlag = (help: string): Flag => ({ name: 'quiet', short: 'q', type: 'bool', help });
