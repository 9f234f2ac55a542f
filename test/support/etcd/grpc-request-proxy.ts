import { once, setMaxListeners } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { setTimeout as delay } from 'node:timers/promises';
import { stopLater, stopped } from './cleanup.js';
import { freePort } from './free-port.js';

/** What becomes of a request. Where its answer does not come, the caller is told that the stream broke, or nothing. */
export type Fate =
  | { readonly kind: 'passed' }
  | { readonly kind: 'request lost'; readonly isSilent?: boolean }
  | { readonly kind: 'response lost'; readonly isSilent?: boolean }
  /** It arrives so much later; the caller has long tried again. */
  | { readonly kind: 'delayed'; readonly ms: number; readonly isSilent?: boolean }
  /** A second copy arrives so much later; the caller has heard the answer to the first. */
  | { readonly kind: 'repeated'; readonly ms: number }
  /** It is answered with an error, and does not arrive. */
  | { readonly kind: 'refused'; readonly code: number; readonly text: string };

/**
 * @param method as `/etcdserverpb.KV/Txn`
 * @param hasToken whether it names a user
 */
export type Fates = (method: string, hasToken: boolean) => Fate;

/** A member in plain text, with a line to it that loses, delays and repeats single requests. */
export async function startGrpcRequestProxy(targetPort: number, fates: Fates): Promise<GrpcRequestProxy> {
  const proxy = new GrpcRequestProxy(await freePort(), targetPort, fates);
  await proxy.start();
  return proxy;
}

interface Request {
  readonly method: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
}

interface Response {
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: OutgoingHttpHeaders | undefined;
}

/** These go on until one side ends them: what passes is not touched. */
const STREAMS = new Set([
  '/etcdserverpb.Watch/Watch',
  '/etcdserverpb.Lease/LeaseKeepAlive',
  '/etcdserverpb.Maintenance/Snapshot',
]);

export class GrpcRequestProxy implements AsyncDisposable {
  readonly port: number;
  /** How many requests had each fate. */
  readonly counts: Record<Fate['kind'], number> = {
    passed: 0,
    'request lost': 0,
    'response lost': 0,
    delayed: 0,
    repeated: 0,
    refused: 0,
  };
  readonly #target: string;
  readonly #fates: Fates;
  readonly #listener: Http2Server;
  readonly #clients = new Set<ServerHttp2Session>();
  readonly #late = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #member: ClientHttp2Session | undefined;

  constructor(port: number, targetPort: number, fates: Fates) {
    this.port = port;
    this.#target = `http://127.0.0.1:${targetPort}`;
    this.#fates = fates;
    // As many as there are late requests.
    setMaxListeners(0, this.#stopping.signal);
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

  /** Ends the connections that stand. */
  cut(): void {
    for (const client of this.#clients) client.destroy();
  }

  /** Resolves when nothing is under way that nobody waits for. */
  async idle(): Promise<void> {
    while (this.#late.size > 0) await Promise.all(this.#late);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    const closed = once(this.#listener, 'close');
    this.#listener.close();
    this.#member?.destroy();
    this.cut();
    await this.idle();
    await closed;
    stopped(this);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #accept(client: ServerHttp2Session): void {
    this.#clients.add(client);
    client.on('error', () => undefined);
    client.on('close', () => this.#clients.delete(client));
  }

  async #serve(stream: ServerHttp2Stream, incoming: IncomingHttpHeaders): Promise<void> {
    stream.on('error', () => undefined);
    const method = incoming[':path']!;
    const headers = forwardable(incoming);
    if (STREAMS.has(method)) return this.#connect(stream, headers);
    try {
      const request = { method, headers, body: await bodyOf(stream) };
      await this.#meet(this.#fates(method, 'token' in headers), request, stream);
    } catch {
      // Not all of it came, or the member is gone: the caller may think the worst.
      breakOff(stream);
    }
  }

  async #meet(fate: Fate, request: Request, stream: ServerHttp2Stream): Promise<void> {
    this.counts[fate.kind] += 1;
    if (fate.kind === 'refused') return refuse(stream, fate);
    if (fate.kind === 'passed' || fate.kind === 'repeated') {
      const response = await this.#forward(request);
      if (fate.kind === 'repeated') this.#forwardLate(request, fate.ms);
      return reply(stream, response);
    }
    if (fate.kind === 'response lost') await this.#forward(request);
    if (fate.kind === 'delayed') this.#forwardLate(request, fate.ms);
    if (!fate.isSilent) breakOff(stream);
  }

  /** What the member answers nobody hears; one that is down loses it. */
  #forwardLate(request: Request, ms: number): void {
    const late = delay(ms, undefined, { signal: this.#stopping.signal })
      .then(() => this.#forward(request))
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => this.#late.delete(late));
    this.#late.add(late);
  }

  async #forward({ headers, body }: Request): Promise<Response> {
    const stream = this.#connection().request(headers);
    stream.end(body);
    let trailers: OutgoingHttpHeaders | undefined;
    stream.on('trailers', (received) => (trailers = forwardable(received)));
    const [received, answer] = await Promise.all([headersOf(stream), bodyOf(stream)]);
    return { headers: forwardable(received), body: answer, trailers };
  }

  #connect(client: ServerHttp2Stream, headers: OutgoingHttpHeaders): void {
    const member = this.#connection().request(headers);
    member.on('error', () => breakOff(client));
    client.on('close', () => member.close(constants.NGHTTP2_CANCEL));
    member.on('close', () => breakOff(client));
    client.pipe(member);
    let trailers: OutgoingHttpHeaders = {};
    member.on('trailers', (received) => (trailers = forwardable(received)));
    member.on('response', (received, flags) => {
      const endStream = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
      if (client.closed || client.destroyed) return;
      client.respond(forwardable(received), { endStream, waitForTrailers: !endStream });
      if (endStream) return;
      client.on('wantTrailers', () => client.sendTrailers(trailers));
      member.pipe(client);
    });
  }

  /** The one to the member; with it go the callers', as they would without a proxy. */
  #connection(): ClientHttp2Session {
    if (this.#member !== undefined) return this.#member;
    const member = connect(this.#target);
    this.#member = member;
    member.on('error', () => undefined);
    member.on('close', () => {
      if (this.#member === member) this.#member = undefined;
      this.cut();
    });
    return member;
  }
}

function reply(stream: ServerHttp2Stream, { headers, body, trailers }: Response): void {
  if (stream.closed || stream.destroyed) return;
  if (trailers === undefined) {
    stream.respond(headers, { endStream: true });
    return;
  }
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.respond(headers, { waitForTrailers: true });
  stream.end(body);
}

function refuse(stream: ServerHttp2Stream, { code, text }: { code: number; text: string }): void {
  const headers = { 'content-type': 'application/grpc', 'grpc-status': code, 'grpc-message': text };
  reply(stream, { headers, body: Buffer.alloc(0), trailers: undefined });
}

/** Not with REFUSED_STREAM: that would say that nothing was done. */
function breakOff(stream: ServerHttp2Stream): void {
  if (!stream.closed) stream.close(constants.NGHTTP2_INTERNAL_ERROR);
}

/** A stream that the other end breaks off may end as if all had come. */
function headersOf(stream: ClientHttp2Stream): Promise<IncomingHttpHeaders> {
  return new Promise((resolve, reject) => {
    stream.once('response', resolve);
    stream.once('error', reject);
    stream.once('close', () => reject(new Error('the member answered nothing')));
  });
}

async function bodyOf(stream: ServerHttp2Stream | ClientHttp2Stream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A connection's own headers are not for the next. */
function forwardable(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'connection'));
}
