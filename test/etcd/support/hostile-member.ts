import { once } from 'node:events';
import {
  type ClientHttp2Session,
  connect,
  constants,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { stopLater, stopped } from '../../support/etcd/cleanup.js';
import { freePort } from '../../support/etcd/free-port.js';
import type { Dice } from '../../support/random.mjs';
import { garbled } from './garbled.js';

/** What becomes of the answers from now on. */
export interface Malice {
  /** How many of a hundred answers. */
  readonly share: number;
  /** Those of these methods, such as `/etcdserverpb.KV/Txn`. */
  readonly methods: RegExp;
  /** In which way; left out: in any. */
  readonly way?: Way;
}

export const WAYS = [
  'garbled',
  'refused',
  'status',
  'html',
  'content type',
  'no trailers',
  'two messages',
  'frame',
  'compressed',
  'reset',
  'goaway',
  'gone',
  'silent',
] as const;
export type Way = (typeof WAYS)[number];

export const HARMLESS: Malice = { share: 0, methods: /^$/ };

const STREAMS = new Set(['/etcdserverpb.Watch/Watch', '/etcdserverpb.Lease/LeaseKeepAlive']);
const GRPC = { ':status': 200, 'content-type': 'application/grpc' };
const STATUSES = ['1', '2', '4', '8', '10', '13', '14', '15', '99', '-1', 'abc', ''];
const ODD_MESSAGES = [
  '',
  '%',
  '%zz%00',
  '%E2%82',
  'a'.repeat(5000),
  '%0D%0Aforged: line',
  'etcdserver: no leader',
];
/** Where etcd says one of these, nothing was applied: then the request does not arrive. */
const REFUSALS: [string, string][] = [
  ['3', 'etcdserver: key is not provided'],
  ['3', 'etcdserver: too many operations in txn request'],
  ['5', 'etcdserver: requested lease not found'],
  ['7', 'etcdserver: permission denied'],
  ['11', 'etcdserver: mvcc: required revision has been compacted'],
  ['16', 'etcdserver: invalid auth token'],
  ['3', 'etcdserver: user name is empty'],
];

/** A member behind a line on which answers become something else. */
export async function startHostileMember(targetPort: number, dice: Dice): Promise<HostileMember> {
  const member = new HostileMember(await freePort(), targetPort, dice);
  await member.start();
  return member;
}

interface Answer {
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: OutgoingHttpHeaders;
}

export class HostileMember implements AsyncDisposable {
  readonly port: number;
  malice: Malice = HARMLESS;
  /** How many answers were spoiled, in which way. */
  readonly spoiled: Partial<Record<Way, number>> = {};
  readonly #target: string;
  readonly #dice: Dice;
  readonly #listener: Http2Server;
  readonly #clients = new Set<ServerHttp2Session>();
  #requestTimes: number[] = [];
  #member: ClientHttp2Session | undefined;

  constructor(port: number, targetPort: number, dice: Dice) {
    this.port = port;
    this.#target = `http://127.0.0.1:${targetPort}`;
    this.#dice = dice;
    this.#listener = createServer();
    this.#listener.on('session', (client) => this.#accept(client));
    this.#listener.on('stream', (stream, headers) => void this.#serve(stream, headers));
    stopLater(this);
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.#listener.listen(this.port, '127.0.0.1');
    await once(this.#listener, 'listening');
  }

  async stop(): Promise<void> {
    const closed = once(this.#listener, 'close');
    this.#listener.close();
    this.#member?.destroy();
    for (const client of this.#clients) client.destroy();
    await closed;
    stopped(this);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** The most requests that came within one second since this was last asked. */
  takeBusiestSecond(): number {
    const times = this.#requestTimes;
    this.#requestTimes = [];
    let [most, from] = [0, 0];
    times.forEach((time, at) => {
      while (time - times[from]! > 1000) from++;
      most = Math.max(most, at - from + 1);
    });
    return most;
  }

  #accept(client: ServerHttp2Session): void {
    this.#clients.add(client);
    client.on('error', () => undefined);
    client.on('close', () => this.#clients.delete(client));
  }

  async #serve(stream: ServerHttp2Stream, incoming: IncomingHttpHeaders): Promise<void> {
    stream.on('error', () => undefined);
    this.#requestTimes.push(performance.now());
    const method = incoming[':path']!;
    const headers = forwardable(incoming);
    const way = this.#wayFor(method);
    try {
      if (STREAMS.has(method)) return this.#connect(stream, headers, method, way);
      const request = await bodyOf(stream);
      if (way === 'refused') return refuse(stream, this.#dice.pick(REFUSALS));
      const answer = await this.#forward(headers, request);
      if (way === undefined) return reply(stream, answer);
      this.#spoil(way, stream, answer);
    } catch {
      if (!stream.closed) stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    }
  }

  #wayFor(method: string): Way | undefined {
    const { share, methods, way } = this.malice;
    if (!methods.test(method) || !this.#dice.percent(share)) return undefined;
    const chosen = way ?? (this.#dice.percent(50) ? 'garbled' : this.#dice.pick(WAYS));
    this.spoiled[chosen] = (this.spoiled[chosen] ?? 0) + 1;
    return chosen;
  }

  #spoil(way: Way, stream: ServerHttp2Stream, answer: Answer): void {
    const dice = this.#dice;
    const withBody = (body: Buffer, headers: OutgoingHttpHeaders = answer.headers): void =>
      reply(stream, { ...answer, headers, body });
    switch (way) {
      case 'garbled':
        return withBody(framed(garbled(messageIn(answer.body), dice)));
      case 'status':
        return refuse(stream, [dice.pick(STATUSES), dice.pick(ODD_MESSAGES)]);
      case 'html':
        return endWith(
          stream,
          { ':status': dice.pick([200, 200, 404, 502]), 'content-type': 'text/html' },
          HTML,
        );
      case 'content type':
        return withBody(answer.body, { ...answer.headers, 'content-type': 'application/json' });
      case 'no trailers':
        return endWith(stream, GRPC, dice.pick([answer.body, Buffer.alloc(0)]));
      case 'two messages':
        return withBody(Buffer.concat([answer.body, answer.body]));
      case 'frame':
        return withBody(
          dice.pick([dice.bytes(40), answer.body.subarray(0, 3), hugeFrame(), answer.body.subarray(5)]),
        );
      case 'compressed':
        return withBody(Buffer.concat([Buffer.from([1]), answer.body.subarray(1)]), {
          ...answer.headers,
          ...(dice.percent(50) ? { 'grpc-encoding': dice.pick(['gzip', 'deflate', 'odd']) } : {}),
        });
      case 'reset':
        return stream.close(dice.below(14));
      case 'goaway':
        stream.session?.goaway(dice.below(14));
        return reply(stream, answer);
      case 'gone':
        return stream.session?.destroy();
      case 'silent':
        return undefined;
      case 'refused':
        throw new Error('a refused request does not arrive');
    }
  }

  /** A stream is spoiled as a whole, or each of its messages with the same probability as an answer. */
  #connect(
    client: ServerHttp2Stream,
    headers: OutgoingHttpHeaders,
    method: string,
    way: Way | undefined,
  ): void {
    if (way === 'refused') return refuse(client, this.#dice.pick(REFUSALS));
    if (way !== undefined && way !== 'garbled') {
      return this.#spoil(way, client, { headers: GRPC, body: framed(this.#dice.bytes(30)), trailers: {} });
    }
    const member = this.#connection().request(headers);
    member.on('error', () => client.close(constants.NGHTTP2_INTERNAL_ERROR));
    client.on('close', () => member.close(constants.NGHTTP2_CANCEL));
    member.on('close', () => client.close());
    client.pipe(member);
    member.on('response', (received) => {
      if (client.closed || client.destroyed) return;
      client.respond(forwardable(received), { waitForTrailers: true });
      client.on('wantTrailers', () => client.sendTrailers({ 'grpc-status': '0' }));
      member.on('data', (chunk: Buffer) => this.#pass(client, chunk, method));
    });
  }

  /** What etcd says on a stream comes message by message, which is enough for what is spoiled here. */
  #pass(client: ServerHttp2Stream, chunk: Buffer, method: string): void {
    if (client.closed || client.destroyed) return;
    const way = this.#wayFor(method);
    if (way === undefined || chunk.length < 5) client.write(chunk);
    else if (way === 'reset' || way === 'gone')
      this.#spoil(way, client, { headers: {}, body: chunk, trailers: {} });
    else client.write(framed(garbled(messageIn(chunk), this.#dice)));
  }

  async #forward(headers: OutgoingHttpHeaders, request: Buffer): Promise<Answer> {
    const stream = this.#connection().request(headers);
    stream.end(request);
    let trailers: OutgoingHttpHeaders = {};
    stream.on('trailers', (received) => (trailers = forwardable(received)));
    const [[received], body] = await Promise.all([
      once(stream, 'response') as Promise<[IncomingHttpHeaders]>,
      bodyOf(stream),
    ]);
    return { headers: forwardable(received), body, trailers };
  }

  #connection(): ClientHttp2Session {
    if (this.#member === undefined || this.#member.destroyed) {
      this.#member = connect(this.#target);
      this.#member.on('error', () => undefined);
    }
    return this.#member;
  }
}

const HTML = Buffer.from('<html><body>Please sign in</body></html>');

function framed(message: Buffer): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function messageIn(body: Buffer): Buffer {
  return body.subarray(5);
}

/** Announces two gigabytes, and ends. */
function hugeFrame(): Buffer {
  return Buffer.from([0, 0x7f, 0xff, 0xff, 0xff, 1, 2, 3]);
}

function refuse(stream: ServerHttp2Stream, [status, message]: readonly [string, string]): void {
  stream.respond({ ...GRPC, 'grpc-status': status, 'grpc-message': message }, { endStream: true });
}

function endWith(stream: ServerHttp2Stream, headers: OutgoingHttpHeaders, body: Buffer): void {
  if (stream.closed || stream.destroyed) return;
  stream.respond(headers);
  stream.end(body);
}

function reply(stream: ServerHttp2Stream, { headers, body, trailers }: Answer): void {
  if (stream.closed || stream.destroyed) return;
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.respond(headers, { waitForTrailers: true });
  stream.end(body);
}

async function bodyOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A connection's own headers are not for the next. */
function forwardable(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'connection'));
}
