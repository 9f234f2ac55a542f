import type {
  ChannelInterface as Channel,
  Client,
  ClientDuplexStream,
  Metadata,
  ServiceDefinition,
} from '@grpc/grpc-js';
import { ConnectionPool } from 'etcd3/lib/connection-pool.js';
import { callClock } from '../clock.js';
import { setAnswerTimer } from './answer-timer.js';
import { CallError, NotSentError } from './call-errors.js';
import { Code } from './error-table.js';
import { codecOf, type MessageCodec } from './messages.js';
import { careForSockets, type ConnectingCredentials } from './socket-care.js';

export type Service = 'KV' | 'Lease' | 'Watch' | 'Maintenance' | 'Auth';

type Pem = string | Uint8Array;

/** What of the connection is the user's to say. */
export interface Security {
  readonly tls?: { readonly ca?: Pem; readonly cert?: Pem; readonly key?: Pem };
}

/** gRPC's numbers for the states of a channel. */
const CONNECTING = 1;
const READY = 2;
const TRANSIENT_FAILURE = 3;
const SHUTDOWN = 4;

const CHANNEL_OPTIONS = {
  'grpc.max_receive_message_length': -1,
  // A retry that the transport makes by itself would be one that we do not know of.
  'grpc.enable_retries': 0,
  // A server refuses pings that come faster than every 5 s, by its own clock, and any while no stream is open.
  'grpc.keepalive_time_ms': 5500,
  'grpc.keepalive_timeout_ms': 3000,
  'grpc.keepalive_permit_without_calls': 0,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 500,
};

interface Connection {
  readonly client: Client;
  readonly metadata: Metadata;
}

type UnaryCall = ReturnType<Channel['createCall']>;

interface UnaryMethod extends MessageCodec<unknown> {
  readonly path: string;
}

type StreamMethod = (metadata: Metadata) => ClientDuplexStream<unknown, unknown>;

/** One etcd server, through etcd3's codec and connection: its own retries are not in the way of these calls. */
export class Member {
  readonly url: string;
  /** To a server that wants it so, the name in it is the user. */
  readonly hasCertificate: boolean;
  readonly #pool: ConnectionPool;
  readonly #connections = new Map<Service, Connection | Promise<Connection>>();
  readonly #methods = new Map<string, UnaryMethod>();
  readonly #running = new Set<UnaryCall>();
  #closed = false;

  constructor(url: string, { tls }: Security) {
    this.url = url;
    this.hasCertificate = tls?.cert !== undefined;
    this.#pool = new ConnectionPool({
      hosts: url,
      credentials: tls && {
        rootCertificate: buffer(tls.ca)!,
        privateKey: buffer(tls.key),
        certChain: buffer(tls.cert),
      },
      grpcOptions: CHANNEL_OPTIONS,
    });
    careForSockets(credentialsOf(this.#pool));
  }

  /** Whether the connection stands. */
  get isReady(): boolean {
    const connection = this.#connections.get('KV');
    return connection !== undefined && 'client' in connection && stateOf(connection) === READY;
  }

  /**
   * Resolves when the connection stands, or has just failed: a call then fails at once and says why.
   *
   * @throws NotSentError when neither happens within `timeoutMs`
   */
  async settle(timeoutMs: number): Promise<void> {
    const { client } = await this.#connection('KV');
    const channel = client.getChannel();
    const deadline = callClock.now() + timeoutMs;
    for (;;) {
      const state: number = channel.getConnectivityState(true);
      if (state === READY || state === TRANSIENT_FAILURE) return;
      if (state === SHUTDOWN) throw new NotSentError('the connection is closed', false);
      await new Promise<void>((resolve, reject) => {
        // gRPC counts on the wall clock, which may jump while it waits.
        const until = Date.now() + deadline - callClock.now();
        channel.watchConnectivityState(state, until, (error) => {
          if (error === undefined || error === null) resolve();
          else
            reject(
              new NotSentError(`no connection within ${Math.round(timeoutMs)} ms`, state === CONNECTING),
            );
        });
      });
    }
  }

  /**
   * One attempt of one call, on the channel itself: gRPC's client keeps a stack and an emitter for each, which cost a
   * lone call a tenth of its time. The 64-bit numbers of its response are `WireNumber`s, whatever etcd3's types say.
   *
   * @throws CallError as the server or the transport answered, or DEADLINE_EXCEEDED after `timeoutMs`
   */
  async call<T>(
    service: Service,
    method: string,
    payload: object,
    timeoutMs: number,
    token?: string,
  ): Promise<T> {
    const { client, metadata } = await this.#connection(service);
    const { path, encode, decode } = this.#method(client, service, method);
    const request = encode(payload);
    return new Promise<T>((resolve, reject) => {
      // gRPC counts on the wall clock, which may jump; ours does not.
      const call = client.getChannel().createCall(path, Infinity, null, null, null);
      let message: Buffer | undefined;
      call.start(withToken(metadata, token), {
        onReceiveMetadata() {},
        onReceiveMessage: (received: Buffer) => void (message = received),
        onReceiveStatus: ({ code, details }: { code: number; details: string }) => {
          this.#running.delete(call);
          cancelTimer();
          if (code !== Code.OK) return reject(new CallError(code, details));
          if (message === undefined) return reject(new CallError(Code.INTERNAL, 'an answer without content'));
          try {
            resolve(decode(message) as T);
          } catch {
            reject(new CallError(Code.INTERNAL, 'an answer that cannot be read'));
          }
        },
      });
      call.sendMessageWithContext({}, request);
      call.startRead();
      call.halfClose();
      this.#running.add(call);
      const giveUp = (): void => {
        reject(new CallError(Code.DEADLINE_EXCEEDED, `no answer within ${Math.round(timeoutMs)} ms`));
        cancel(call);
      };
      // An answer that is passed over, or gRPC's word that there is no connection, would make the outcome of a write
      // unknown.
      const cancelTimer = setAnswerTimer(callClock, timeoutMs, giveUp);
    });
  }

  async stream(
    service: Service,
    method: string,
    token?: string,
  ): Promise<ClientDuplexStream<unknown, unknown>> {
    const { client, metadata } = await this.#connection(service);
    const invoke = (client as unknown as Record<string, StreamMethod>)[method]!.bind(client);
    const streamMetadata = withToken(metadata.clone(), token);
    // Without it a stream on a member that lost its quorum stays silent instead of ending.
    streamMetadata.set('hasleader', 'true');
    return invoke(streamMetadata);
  }

  /** gRPC lets running calls go on: a server that hangs would keep the process alive until their deadlines. */
  close(): void {
    this.#closed = true;
    for (const call of this.#running) cancel(call);
    this.#pool.close();
  }

  #method(client: Client, service: Service, name: string): UnaryMethod {
    const known = this.#methods.get(`${service}.${name}`);
    if (known !== undefined) return known;
    const definitions = (client.constructor as unknown as { service: ServiceDefinition }).service;
    const definition = Object.values(definitions).find(({ originalName }) => originalName === name)!;
    const method = { path: definition.path, ...codecOf(definition) };
    this.#methods.set(`${service}.${name}`, method);
    return method;
  }

  #connection(service: Service): Connection | Promise<Connection> {
    if (this.#closed) throw new NotSentError('the connection is closed', false);
    const known = this.#connections.get(service);
    if (known !== undefined) return known;
    const connecting = this.#pool.withConnection(service, ({ client, metadata }) => {
      const connection = { client, metadata };
      this.#connections.set(service, connection);
      return connection;
    });
    this.#connections.set(service, connecting);
    return connecting;
  }
}

/** Of the one host that it has. etcd3 does not show them; a version that keeps them elsewhere goes without this care. */
function credentialsOf(pool: ConnectionPool): ConnectingCredentials {
  const { hosts } = pool as unknown as {
    hosts?: readonly { readonly channelCredentials?: ConnectingCredentials }[];
  };
  return hosts?.[0]?.channelCredentials ?? {};
}

/** gRPC does not write to it, and copies it by itself. */
function withToken(metadata: Metadata, token: string | undefined): Metadata {
  if (token === undefined) return metadata;
  const own = metadata.clone();
  own.set('token', token);
  return own;
}

/** Of an idle connection, asking makes it connect. */
function stateOf({ client }: Connection): number {
  return client.getChannel().getConnectivityState(true);
}

function cancel(call: UnaryCall): void {
  call.cancelWithStatus(Code.CANCELLED, 'given up');
}

function buffer(pem: Pem | undefined): Buffer | undefined {
  return pem === undefined ? undefined : Buffer.from(pem as Uint8Array);
}
