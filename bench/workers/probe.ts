/**
 * Is the port at `ADDRESS PORT` (argv) there? Tries every 4 ms, each time with a new connection that gets 60 ms, and writes
 * `TIME` for each success: CLOCK_MONOTONIC in ms, which is the same in every process, of the moment the attempt began.
 */
import { connect } from 'node:net';

const [host = '', port = ''] = process.argv.slice(2);

// The end of standard input ends this program: a signal would reach nsenter only.
process.stdin.resume().on('end', () => process.exit(0));

setInterval(() => {
  const began = process.hrtime.bigint();
  const socket = connect({ host, port: Number(port), timeout: 60 });
  socket.on('error', () => undefined);
  socket.once('timeout', () => socket.destroy());
  socket.once('connect', () => {
    process.stdout.write(`${Number(began) / 1e6}\n`);
    socket.resetAndDestroy();
  });
}, 4);
