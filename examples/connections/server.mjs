/** Sends back what comes, on as many connections as there are descriptors. */
import { createServer } from 'node:net';

createServer((socket) => socket.on('error', () => socket.destroy()).pipe(socket)).listen({
  port: 9000,
  host: '::',
  backlog: 4096,
});
