/** Says who asks; /stream sends a number every 100 ms, without end. */
import { createServer } from 'node:http';

createServer((request, response) => {
  if (request.url !== '/stream') return response.end(`hello ${request.socket.remoteAddress}\n`);
  let n = 0;
  const timer = setInterval(() => response.write(`${++n}\n`), 100);
  response.once('close', () => clearInterval(timer));
}).listen(80, '::');
