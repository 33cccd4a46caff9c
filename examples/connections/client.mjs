/**
 * Holds connections to the server:
 *
 *   node client.mjs ADDRESS PORT COUNT [SOURCE-ADDRESS...]
 *
 * When all are open, and then after each line of standard input, every connection sends its number and waits for it to come back:
 * 'answered: 10000 of 10000, closed: 0'. One source address has some 28,000 ports; with several they are used in turns.
 */
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const [address, port, count, ...sources] = process.argv.slice(2);
/** Handshakes at a time: more would be dropped before the server accepts them. */
const AT_ONCE = 200;
/** How long all have for their answers, in ms. */
const PATIENCE = 60_000;

let closed = 0;

function open(number) {
  return new Promise((resolve, reject) => {
    const localAddress = sources[number % sources.length];
    const socket = connect({ host: address, port: Number(port), localAddress }, () => resolve(socket));
    socket.once('error', reject);
    socket.once('close', () => closed++);
  });
}

/** Whether the number comes back. */
function ask(socket, number) {
  const line = `${number}\n`;
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), PATIENCE);
    let text = '';
    const read = (data) => {
      text += data;
      if (text.length < line.length) return;
      socket.off('data', read);
      clearTimeout(timer);
      resolve(text === line);
    };
    socket.on('data', read);
    socket.write(line);
  });
}

const sockets = [];
while (sockets.length < Number(count)) {
  const batch = Array.from({ length: Math.min(AT_ONCE, Number(count) - sockets.length) }, (_, i) =>
    open(sockets.length + i),
  );
  sockets.push(...(await Promise.all(batch)));
}

async function askAll() {
  const answers = await Promise.all(sockets.map(ask));
  console.log(`answered: ${answers.filter(Boolean).length} of ${sockets.length}, closed: ${closed}`);
}

await askAll();
for await (const _ of createInterface(process.stdin)) await askAll();
process.exit(0);
