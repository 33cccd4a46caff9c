/**
 * On each line of standard input, `ADDRESS PORT COUNT`: makes COUNT TCP connections one after the other and writes the
 * microseconds from connect(2) to the established connection, as a Node program sees them, as one JSON array.
 */
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const once = (host: string, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const began = process.hrtime.bigint();
    const socket = connect({ host, port });
    socket.once('connect', () => {
      const took = Number(process.hrtime.bigint() - began) / 1e3;
      // With a reset no connection stays behind in TIME_WAIT, so ephemeral ports do not run out.
      socket.once('close', () => resolve(took));
      socket.resetAndDestroy();
    });
    socket.once('error', reject);
  });

for await (const line of createInterface({ input: process.stdin })) {
  const [address = '', port = '', count = ''] = line.split(' ');
  const times: number[] = [];
  try {
    for (let i = 0; i < Number(count); i++) times.push(await once(address, Number(port)));
    process.stdout.write(`${JSON.stringify(times)}\n`);
  } catch (error) {
    process.stdout.write(`${String(error)}\n`);
  }
}
