/** The size of a terminal that conmon holds. */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { conflict, messageOf } from '../errors.ts';

const O_WRONLY_NONBLOCK = constants.O_WRONLY | constants.O_NONBLOCK;

/** conmon's control pipe: '1 <rows> <columns>\n'. */
export function resizeTerminal(bundle: string, height: number, width: number): void {
  let fd;
  try {
    fd = openSync(`${bundle}/ctl`, O_WRONLY_NONBLOCK);
    writeSync(fd, `1 ${height} ${width}\n`);
  } catch (error) {
    throw conflict(`cannot resize a stopped container: ${messageOf(error)}`, error);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
