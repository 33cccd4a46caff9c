/**
 * Streams with a process for clients that ask for no upgrade: dockerode as it is by default, curl, netcat. dockerd takes their
 * connections over all the same; what follows the request on the wire is the process's input.
 *
 * Node hands a connection over only when the request has the header, and reads what follows as the next request. Its parser
 * stops at a request's head when `onIncoming` says so (llhttp, "on_headers_complete" returning 2: neither body nor further
 * messages), which is how Node itself does it for CONNECT. `onIncoming` is not documented: test/api/hijack.test.ts watches it.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

interface Parser {
  onIncoming?: (request: IncomingMessage, keepAlive: boolean) => number;
}

const STOP = 2;

/** Requests of this connection that are `wanted` come as 'upgrade' events, too. Called when Node has given it its parser. */
export function upgradeUnasked(socket: Socket, wanted: (request: IncomingMessage) => boolean): void {
  const { parser } = socket as Socket & { parser?: Parser };
  const ask = parser?.onIncoming;
  if (parser === undefined || ask === undefined) return;
  parser.onIncoming = (request, keepAlive) => {
    // Chunks are undone by the parser only: such a body stays one, and is the input.
    const raw = request.headers.upgrade === undefined && request.headers['transfer-encoding'] === undefined;
    if (!raw || !wanted(request)) return ask(request, keepAlive);
    (request as IncomingMessage & { upgrade: boolean }).upgrade = true;
    ask(request, keepAlive);
    return STOP;
  };
}
