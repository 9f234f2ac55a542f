import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { stopLater, stopped } from './cleanup.js';
import { freePort } from './free-port.js';
import { type CutKind, type LinkMode, LinkRules } from './link-rules.js';
import { poll } from './poll.js';
import { ProxiedConnection } from './proxied-connection.js';
import { afterBytes, afterMessages, beforeResponse, type ResponseTrap } from './response-trap.js';

/** A link to a server on the loopback, which a test disturbs. */
export async function startProxy(targetPort: number): Promise<TcpProxy> {
  const proxy = new TcpProxy(await freePort(), targetPort);
  await proxy.pass();
  return proxy;
}

export class TcpProxy implements AsyncDisposable {
  readonly port: number;
  readonly #targetPort: number;
  readonly #rules = new LinkRules();
  readonly #connections = new Set<ProxiedConnection>();
  #listener: Server | undefined;

  constructor(port: number, targetPort: number) {
    this.port = port;
    this.#targetPort = targetPort;
    stopLater(this);
  }

  /** For a server that speaks plain text. */
  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Connections since the start and open now, and the bytes that went through or were swallowed. */
  get counters(): Readonly<LinkRules['counters']> {
    return { ...this.#rules.counters, open: this.#connections.size };
  }

  /** Heals the link. Connections that have lost bytes are cut. */
  async pass(): Promise<void> {
    this.#rules.delayMs = 0;
    await this.#listen();
    this.#enter('pass');
  }

  /** Cuts all connections and lets nobody connect, as a server that is down. */
  refuse(): void {
    this.#rules.mode = 'refuse';
    this.#listener?.close();
    this.#listener = undefined;
    this.cut();
  }

  /** Black hole: connections open and stay open, and what comes over them is lost. */
  async swallow(): Promise<void> {
    await this.#listen();
    this.#enter('swallow');
  }

  /** As `swallow`, but `pass` delivers what came meanwhile: a line that was down for a while. */
  async hold(): Promise<void> {
    await this.#listen();
    this.#enter('hold');
  }

  /** Each byte takes so long in either direction, until `pass` or another delay. */
  delay(ms: number): void {
    this.#rules.delayMs = ms;
  }

  /** Ends all connections; new ones are welcome. */
  cut(kind: CutKind = 'rst'): void {
    for (const connection of this.#connections) connection.cut(kind);
  }

  /** Cuts one connection after so many more bytes to clients. Resolves when it has done so. */
  cutAfterBytes(count: number): Promise<void> {
    return this.#arm(afterBytes(count));
  }

  /**
   * Cuts a connection right behind the gRPC message to a client that is the next, or a later one of at least some
   * size. Resolves when it has done so. Only over plain text.
   */
  cutAfterMessages(count: number, { atLeastBytes = 0 } = {}): Promise<void> {
    return this.#arm(afterMessages(count, atLeastBytes));
  }

  /** Cuts a connection instead of giving the client the next response that begins. Only over plain text. */
  dropNextResponse(): Promise<void> {
    return this.#arm(beforeResponse());
  }

  async stop(): Promise<void> {
    this.refuse();
    await poll('the connections of a proxy end', () => this.#connections.size === 0 || undefined);
    stopped(this);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #arm(trap: ResponseTrap): Promise<void> {
    return this.#rules.arm(trap);
  }

  #enter(mode: LinkMode): void {
    this.#rules.mode = mode;
    for (const connection of this.#connections) connection.wake();
  }

  async #listen(): Promise<void> {
    if (this.#listener !== undefined) return;
    const listener = createServer({ allowHalfOpen: true, noDelay: true });
    this.#listener = listener;
    listener.on('connection', (client) => {
      this.#rules.counters.connections += 1;
      const connection = new ProxiedConnection(client, this.#targetPort, this.#rules, () => {
        this.#connections.delete(connection);
      });
      this.#connections.add(connection);
    });
    listener.listen(this.port, '127.0.0.1');
    await once(listener, 'listening');
  }
}
