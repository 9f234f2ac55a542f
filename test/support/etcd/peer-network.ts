import { createServer, type IncomingMessage, type Server } from 'node:http';
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { stopLater, stopped } from './cleanup.js';
import { startProxy, type TcpProxy } from './tcp-proxy.js';

// A proxy in front of each member would not know who calls, and could not part two members while both reach a third.
// etcd sends its own requests through the proxy of its environment, so each member has one of its own, which tells the
// caller; the port that is asked for tells the callee. Go spares the loopback's address and `localhost` that detour,
// but it compares the name as it is written.
export const PEER_HOST = 'LOCALHOST';

/** The lines between members of a cluster, one for each direction of each pair. */
export class PeerNetwork implements AsyncDisposable {
  readonly #exits: readonly Server[];
  readonly #links = new Map<string, TcpProxy>();

  private constructor(exits: readonly Server[]) {
    this.#exits = exits;
    stopLater(this);
  }

  /** `peerPorts`: where each member listens for the others. */
  static async start(peerPorts: readonly number[]): Promise<PeerNetwork> {
    const exits = peerPorts.map(() => createServer());
    const network = new PeerNetwork(exits);
    for (const [from, exit] of exits.entries()) {
      for (const [to, port] of peerPorts.entries()) {
        if (from !== to) network.#links.set(linkName(from, to), await startProxy(port));
      }
      exit.on('connect', (request: IncomingMessage, socket: Socket) => {
        network.#tunnel(from, peerPorts.indexOf(portOf(request)), socket);
      });
      exit.listen(0, '127.0.0.1');
      await once(exit, 'listening');
    }
    return network;
  }

  /** For the process of a member. */
  env(member: number): NodeJS.ProcessEnv {
    const address = this.#exits[member]?.address() as AddressInfo | undefined;
    if (address === undefined) throw new Error(`no member ${member}`);
    return { HTTPS_PROXY: `http://127.0.0.1:${address.port}` };
  }

  /** The line on which one member calls another. */
  link(from: number, to: number): TcpProxy {
    const link = this.#links.get(linkName(from, to));
    if (link === undefined) throw new Error(`no line from member ${from} to ${to}`);
    return link;
  }

  /** All lines from and to a member. */
  linksOf(member: number): TcpProxy[] {
    return this.#exits.flatMap((_, other) =>
      other === member ? [] : [this.link(member, other), this.link(other, member)],
    );
  }

  get links(): TcpProxy[] {
    return [...this.#links.values()];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const exit of this.#exits) {
      exit.close();
      exit.closeAllConnections();
    }
    for (const link of this.links) await link.stop();
    stopped(this);
  }

  #tunnel(from: number, to: number, socket: Socket): void {
    const link = this.#links.get(linkName(from, to));
    socket.on('error', () => undefined);
    if (link === undefined) {
      socket.end('HTTP/1.1 502 No such member\r\n\r\n');
      return;
    }
    const line = connect({ port: link.port, host: '127.0.0.1', noDelay: true });
    line.on('connect', () => socket.write('HTTP/1.1 200 Connected\r\n\r\n'));
    line.on('error', () => undefined).on('close', () => socket.destroy());
    socket.on('close', () => line.destroy());
    line.pipe(socket).pipe(line);
  }
}

function linkName(from: number, to: number): string {
  return `${from}>${to}`;
}

function portOf({ url = '' }: IncomingMessage): number {
  return Number(url.slice(url.lastIndexOf(':') + 1));
}
