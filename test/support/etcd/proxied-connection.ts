import { connect, type Socket } from 'node:net';
import { ByteFlow } from './byte-flow.js';
import { GrpcResponses } from './grpc-responses.js';
import type { CutKind, LinkRules } from './link-rules.js';

/** A client's connection to the proxy, and the proxy's to the server. */
export class ProxiedConnection {
  readonly #client: Socket;
  readonly #targetPort: number;
  readonly #rules: LinkRules;
  readonly #onClosed: () => void;
  readonly #responses = new GrpcResponses();
  #server: Socket | undefined;
  #flows: readonly ByteFlow[] = [];
  /** It came while all was swallowed: nobody ever answers. */
  #isOrphan = false;
  #isReset = false;

  constructor(client: Socket, targetPort: number, rules: LinkRules, onClosed: () => void) {
    this.#client = client;
    this.#targetPort = targetPort;
    this.#rules = rules;
    this.#onClosed = onClosed;
    this.#follow(client);
    this.wake();
  }

  /** To be called when the rules have changed. */
  wake(): void {
    if (this.#rules.mode === 'swallow') this.#orphan();
    else if (this.#rules.mode === 'pass') this.#connect();
    for (const flow of this.#flows) flow.wake();
  }

  cut(kind: CutKind): void {
    for (const socket of [this.#client, this.#server]) {
      if (kind === 'rst') abort(socket);
      else socket?.destroySoon();
    }
  }

  #orphan(): void {
    if (this.#server !== undefined || this.#isOrphan) return;
    this.#isOrphan = true;
    this.#client.on('data', ({ length }) => {
      this.#rules.counters.bytesSwallowed += length;
    });
  }

  /** A no-op for one that is connected; one that has lost bytes, or an end, is of no use any more. */
  #connect(): void {
    if (this.#isOrphan || this.#isReset || this.#flows.some((flow) => flow.isTorn)) this.cut('rst');
    else this.#server ??= this.#connected();
  }

  #connected(): Socket {
    const server = connect({ port: this.#targetPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    this.#follow(server);
    this.#flows = [
      new ByteFlow(this.#client, server, this.#rules, (chunk) => this.#toServer(chunk)),
      new ByteFlow(server, this.#client, this.#rules, (chunk) => this.#toClient(chunk)),
    ];
    return server;
  }

  #follow(socket: Socket): void {
    // The close that follows says the same.
    socket.on('error', () => undefined);
    socket.on('close', (hadError) => {
      this.#isReset ||= hadError;
      // On a line that is down, neither end hears that the other one is gone.
      if (this.#isReset && this.#rules.mode === 'pass') this.cut('rst');
      if (this.#client.destroyed && this.#server?.destroyed !== false) this.#onClosed();
    });
  }

  #toServer(chunk: Buffer): Buffer {
    this.#rules.counters.bytesToServer += chunk.length;
    return chunk;
  }

  #toClient(chunk: Buffer): Buffer {
    const events = this.#responses.push(chunk);
    const end = this.#rules.trap?.(chunk.length, events);
    // What no trap looked at moves the reader on, too.
    while (events.next().done !== true);
    const passing = chunk.subarray(0, end);
    this.#rules.counters.bytesToClient += passing.length;
    if (end === undefined) return passing;
    this.#breakAfter(passing);
    return Buffer.alloc(0);
  }

  /** With a FIN to the client, because what was sent ahead of an RST may be lost. */
  #breakAfter(last: Buffer): void {
    this.#rules.sprung();
    this.#client.write(last);
    this.#client.destroySoon();
    abort(this.#server);
  }
}

function abort(socket: Socket | undefined): void {
  // Node leaks a socket that is reset while its end is under way.
  if (socket?.writableEnded !== true || socket.writableFinished) socket?.resetAndDestroy();
  // At once: a reset alone would come behind what is yet to be written, which nobody may be reading.
  socket?.destroy();
}
