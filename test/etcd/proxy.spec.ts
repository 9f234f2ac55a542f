import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket, type AddressInfo } from 'node:net';
import { poll } from '../support/etcd/poll.js';
import { startProxy, type TcpProxy } from '../support/etcd/tcp-proxy.js';

/** A client that keeps what it was sent. */
class Client {
  readonly socket: Socket;
  readonly connected: Promise<void>;
  readonly ended: Promise<void>;
  readonly closed: Promise<void>;
  received = '';
  error: NodeJS.ErrnoException | undefined;

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.socket.setEncoding('utf8').on('data', (text: string) => {
      this.received += text;
    });
    this.socket.on('error', (error) => {
      this.error = error;
    });
    this.connected = this.#first('connect');
    this.ended = this.#first('end');
    this.closed = this.#first('close');
  }

  async receives(text: string): Promise<void> {
    await poll(`'${text}' arrives`, () => this.received === text || undefined);
  }

  #first(event: string): Promise<void> {
    return new Promise((resolve) => {
      this.socket.once(event, () => {
        resolve();
      });
    });
  }
}

describe('a link', () => {
  let server: Server;
  let proxy: TcpProxy;
  const clients: Client[] = [];

  beforeEach(async () => {
    // Says everything back, and ends when the client does.
    server = createServer((socket) => socket.on('error', () => undefined).pipe(socket)).listen(
      0,
      '127.0.0.1',
    );
    await once(server, 'listening');
    proxy = await startProxy((server.address() as AddressInfo).port);
  });

  afterEach(async () => {
    for (const { socket } of clients.splice(0)) socket.destroy();
    await proxy.stop();
    server.close();
  });

  async function client(): Promise<Client> {
    const made = new Client(proxy.port);
    clients.push(made);
    await Promise.race([made.connected, made.closed]);
    return made;
  }

  async function chattingClient(): Promise<Client> {
    const made = await client();
    made.socket.write('hello');
    await made.receives('hello');
    return made;
  }

  it('passes bytes and ends through, and counts', async () => {
    const one = await chattingClient();
    expect(proxy.counters).toMatchObject({ connections: 1, open: 1, bytesToServer: 5, bytesToClient: 5 });
    one.socket.end('bye');
    await one.closed;

    expect(one.received).toBe('hellobye');
    expect(one.error).toBeUndefined();
    await poll('the link is free', () => proxy.counters.open === 0 || undefined);
  });

  it('passes much at once whole', async () => {
    const one = await client();
    const much = 'x'.repeat(8_000_000);
    one.socket.write(much);
    await poll('all arrives', () => one.received.length >= much.length || undefined);

    expect(one.received).toBe(much);
  });

  it('refuses, until it passes again', async () => {
    const before = await chattingClient();
    proxy.refuse();
    await before.closed;
    const during = await client();
    await during.closed;
    await proxy.pass();
    await chattingClient();

    expect(before.error?.code).toBe('ECONNRESET');
    expect(during.error?.code).toBe('ECONNREFUSED');
  });

  it('swallows what comes over old and new connections, and cuts them when it heals', async () => {
    const before = await chattingClient();
    await proxy.swallow();
    const during = await client();
    for (const { socket } of [before, during]) socket.write('lost');
    await poll('both are swallowed', () => proxy.counters.bytesSwallowed === 8 || undefined);
    expect(proxy.counters.open).toBe(2);
    await proxy.pass();
    await Promise.all([before.closed, during.closed]);

    expect(before.received).toBe('hello');
    expect(during.received).toBe('');
    await chattingClient();
  });

  it('leaves an idle connection alone when it heals', async () => {
    const idle = await chattingClient();
    await proxy.swallow();
    await proxy.pass();
    idle.socket.write('!');
    await idle.receives('hello!');

    expect(proxy.counters.connections).toBe(1);
  });

  it('holds what comes, ends too, and delivers it when it heals', async () => {
    const before = await chattingClient();
    await proxy.hold();
    const during = await client();
    before.socket.end(' again');
    during.socket.write('late');
    await poll('both are open', () => proxy.counters.open === 2 || undefined);
    await proxy.pass();
    await before.closed;
    await during.receives('late');

    expect(before.received).toBe('hello again');
  });

  it('tells neither end of a line that is down about the other', async () => {
    const before = await chattingClient();
    await proxy.hold();
    before.socket.resetAndDestroy();
    await before.closed;
    expect(await connectionsOf(server)).toBe(1);
    await proxy.pass();
    await poll('the server hears of it', async () => (await connectionsOf(server)) === 0 || undefined);
  });

  it('delays each byte by as much, in order', async () => {
    const one = await chattingClient();
    proxy.delay(100);
    const begin = performance.now();
    one.socket.write('1');
    one.socket.write('2');
    await one.receives('hello12');
    // There and back; a timer may be a little early.
    expect(performance.now() - begin).toBeGreaterThan(195);
  });

  it.each(['rst', 'fin'] as const)('cuts all connections by %s', async (kind) => {
    const [one, other] = [await chattingClient(), await chattingClient()];
    proxy.cut(kind);
    await Promise.race([one.closed, one.ended]);
    other.socket.end();
    await other.closed;

    expect(one.error?.code).toBe(kind === 'rst' ? 'ECONNRESET' : undefined);
    await poll('the server hears of it', async () => (await connectionsOf(server)) === 0 || undefined);
    await chattingClient();
  });

  it('cuts in the middle of a response', async () => {
    const one = await client();
    const cut = proxy.cutAfterBytes(7);
    one.socket.write('0123');
    await one.receives('0123');
    one.socket.write('456789');
    await cut;
    await one.ended;

    expect(one.received).toBe('0123456');
    await chattingClient();
  });
});

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}
