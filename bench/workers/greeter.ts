/** Accepts TCP connections at port argv[2] of every address and says nothing: the server that connections are timed to. */
import { createServer } from 'node:net';

// The end of standard input ends this program: a signal would reach nsenter only.
process.stdin.resume().on('end', () => process.exit(0));

createServer((socket) => {
  socket.on('error', () => undefined);
  socket.resume();
})
  .listen({ host: '0.0.0.0', port: Number(process.argv[2]), backlog: 4096 })
  .on('listening', () => process.stdout.write('ready\n'));
