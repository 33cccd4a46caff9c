/**
 * The service: visits are counted in Redis, notes are kept in PostgreSQL.
 *
 *   GET  /         which replica answers, and how many visits there were
 *   GET  /notes    all notes
 *   POST /notes    one more, the body
 *   GET  /stream   a number every 100 ms, without end
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { hostname } from 'node:os';
import { text } from 'node:stream/consumers';

/** One command of Redis (its protocol, RESP: `+OK`, `:7`, `-ERR …`), on a connection that is made when it is needed. */
let redis;
async function cache(...words) {
  redis ??= connect(6379, process.env.REDIS)
    .once('close', () => (redis = undefined))
    .on('error', () => undefined);
  const connection = redis;
  connection.write(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`);
  return new Promise((resolve, reject) => {
    connection.once('data', (data) => resolve(data.toString().slice(1).trim()));
    connection.once('close', () => reject(new Error('Redis is gone')));
  });
}

/** SQL through psql; `variables` are quoted where the text says :'name'. */
async function query(sql, variables = {}) {
  const flags = Object.entries(variables).flatMap(([name, value]) => ['-v', `${name}=${value}`]);
  const psql = spawn('psql', ['-AtqX', '-v', 'ON_ERROR_STOP=1', ...flags], { stdio: ['pipe', 'pipe', 'inherit'] });
  psql.stdin.end(sql);
  const [rows, [code]] = await Promise.all([text(psql.stdout), once(psql, 'close')]);
  if (code !== 0) throw new Error(`psql ended with exit code ${code}`);
  return rows.split('\n').slice(0, -1);
}

const TABLE = 'CREATE TABLE IF NOT EXISTS notes (id serial PRIMARY KEY, note text NOT NULL);';

const routes = {
  'GET /': async () => ({ replica: hostname(), visits: Number(await cache('INCR', 'visits')) }),
  'GET /notes': async () => query('SELECT note FROM notes ORDER BY id;'),
  'POST /notes': async (request) => {
    await query("INSERT INTO notes (note) VALUES (:'note');", { note: await text(request) });
    return 'kept';
  },
};

function stream(response) {
  let n = 0;
  const timer = setInterval(() => response.write(`${++n}\n`), 100);
  response.once('close', () => clearInterval(timer));
}

async function answer(request, response) {
  const route = routes[`${request.method} ${request.url}`];
  try {
    response.writeHead(route ? 200 : 404, { 'Content-Type': 'application/json' });
    response.end(`${JSON.stringify(route ? await route(request) : 'no such page')}\n`);
  } catch (error) {
    response.destroy(error);
  }
}

const server = createServer((request, response) => {
  if (request.url === '/stream') stream(response);
  else void answer(request, response);
});

// Of two replicas that begin at once, one may be told that the other has just made the table.
await query(TABLE).catch(() => query(TABLE));
server.listen(3000, '::');
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => process.exit(0));
