import type { Socket } from 'node:net';

/** What answers at all says its first word long before. */
const FIRST_WORD_MS = 5000;

/** How gRPC makes a connection of a socket, in the clear or over TLS. */
interface SecureConnector {
  connect(socket: Socket): Promise<{ readonly socket: Socket; readonly secure: boolean }>;
}

/** gRPC's own name for it, which no document promises: without it all is as gRPC leaves it. */
export const CREATE_CONNECTOR = '_createSecureConnector';

/** Those of gRPC, as far as they are needed here. */
export interface ConnectingCredentials {
  [CREATE_CONNECTOR]?(...args: unknown[]): SecureConnector;
}

/**
 * gRPC leaves three kinds of sockets behind, which keep a process alive that has closed everything, or are never closed:
 * those in a TLS handshake that the server does not answer; those on which it says nothing at all; and those that we
 * have ended, after a GOAWAY, while the server does not end its side. This lets go of them.
 */
export function careForSockets(credentials: ConnectingCredentials, firstWordMs = FIRST_WORD_MS): void {
  const create = credentials[CREATE_CONNECTOR]?.bind(credentials);
  if (create === undefined) return;
  credentials[CREATE_CONNECTOR] = (...args) => {
    const connector = create(...args);
    const connect = connector.connect.bind(connector);
    connector.connect = async (socket) => {
      awaitFirstWord(socket, firstWordMs);
      const connected = await connect(socket);
      connected.socket.once('finish', () => connected.socket.destroy());
      return connected;
    };
    return connector;
  };
}

/** Whoever waits for a connection has a timer of its own, which keeps the process alive; the socket need not. */
function awaitFirstWord(socket: Socket, ms: number): void {
  socket.unref();
  const giveUp = (): void => {
    if (socket.bytesRead === 0) socket.destroy(new Error(`the server said nothing within ${ms} ms`));
  };
  const timer = setTimeout(giveUp, ms).unref();
  socket.once('close', () => clearTimeout(timer));
}
