/** A keep-alive HTTP client for the Engine API's socket: what a client library does, without a process for each call. */
import { Agent, request } from 'node:http';

export class EngineClient {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  call<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T> {
    return new Promise((resolve, reject) => {
      const text = body === undefined ? '' : JSON.stringify(body);
      const call = request(
        {
          socketPath: this.#socket,
          agent: this.#agent,
          method,
          path: `/v1.41${path}`,
          headers: { Host: 'engine', 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) },
        },
        (response) => {
          let answer = '';
          response.on('data', (data: Buffer) => (answer += data.toString()));
          response.on('end', () => {
            const status = response.statusCode ?? 0;
            if (status >= 400) return reject(new Error(`${method} ${path}: ${status} ${answer}`));
            resolve((answer ? JSON.parse(answer) : undefined) as T);
          });
        },
      );
      call.on('error', reject);
      call.end(text);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
