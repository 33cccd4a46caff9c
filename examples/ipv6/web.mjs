/** Says who asks; /stream sends a number every 100 ms, without end. */
import { createServer } from 'node:http';

function stream(response) {
  let n = 0;
  const timer = setInterval(() => response.write(`${++n}\n`), 100);
  response.once('close', () => clearInterval(timer));
}

createServer((request, response) => {
  if (request.url === '/stream') stream(response);
  else response.end(`hello ${request.socket.remoteAddress}\n`);
}).listen(80, '::');
