import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, Socket } from 'node:net';
import {
  careForSockets,
  type ConnectingCredentials,
  CREATE_CONNECTOR,
} from '../../../lib/store/etcd/socket-care.js';

const SOON_MS = 50;

/** Connects in the clear, as gRPC does. */
function credentials(): ConnectingCredentials & Required<ConnectingCredentials> {
  return {
    [CREATE_CONNECTOR]: () => ({ connect: (socket) => Promise.resolve({ socket, secure: false }) }),
  };
}

function socketsThatKeepAlive(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;
}

describe('a socket that is cared for', () => {
  let server: Server;
  const accepted: Socket[] = [];

  beforeEach(async () => {
    server = createServer({ allowHalfOpen: true }, (socket) => accepted.push(socket.on('error', () => {})));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => {
    for (const socket of accepted.splice(0)) socket.destroy();
    server.close();
  });

  async function connected(firstWordMs: number): Promise<Socket> {
    const cared = credentials();
    careForSockets(cared, firstWordMs);
    const accepting = once(server, 'connection');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await Promise.all([once(socket, 'connect'), accepting]);
    await cared[CREATE_CONNECTOR]().connect(socket);
    return socket;
  }

  it('is closed when the server accepts it and says nothing', async () => {
    const socket = await connected(SOON_MS);
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toMatch('said nothing within 50 ms');
    expect(socket.destroyed).toBe(true);
  });

  it('stays open when the server has said something', async () => {
    const socket = await connected(500);
    const closed = once(socket, 'close').then(() => 'closed');
    socket.resume();
    accepted[0]!.write('x');
    const late = new Promise((resolve) => setTimeout(resolve, 700)).then(() => 'open');
    expect(await Promise.race([closed, late])).toBe('open');
    socket.destroy();
  });

  it('is closed when it was ended, though the server does not end its side', async () => {
    const socket = await connected(60_000);
    socket.end('the last words');
    await once(socket, 'close');
    const [words] = (await once(accepted[0]!, 'data')) as [Buffer];
    expect(words.toString()).toBe('the last words');
  });

  it('does not keep a process alive by itself', async () => {
    const socket = await connected(60_000);
    const before = socketsThatKeepAlive();
    socket.ref();
    expect(socketsThatKeepAlive()).toBe(before + 1);
    socket.destroy();
  });
});
