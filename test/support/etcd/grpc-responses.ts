const FRAME_HEADER_BYTES = 9;
const MESSAGE_PREFIX_BYTES = 5;
const DATA = 0;
const HEADERS = 1;
const END_STREAM = 1;

/** Something in a chunk of a server's bytes; `at` is where in that chunk the first byte after it lies. */
export type ResponseEvent =
  /** A response begins here. */
  | { readonly kind: 'start'; readonly at: number }
  /** A gRPC message of this many bytes is complete. */
  | { readonly kind: 'message'; readonly at: number; readonly bytes: number };

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  left: number;
}

/** Follows what a gRPC server sends on one plain HTTP/2 connection, from its first byte on. */
export class GrpcResponses {
  readonly #header = Buffer.alloc(FRAME_HEADER_BYTES);
  #headerBytes = 0;
  #frame: Frame | undefined;
  /** By stream: a response has begun and not ended. */
  readonly #messages = new Map<number, MessageTracker>();

  *push(chunk: Buffer): Generator<ResponseEvent, void, void> {
    let at = 0;
    while (at < chunk.length) {
      const begin = at;
      at += this.#frame === undefined ? this.#takeHeader(chunk, at) : 0;
      const frame = this.#frame;
      if (frame === undefined) return;
      if (begin < at && this.#begins(frame)) yield { kind: 'start', at: begin };
      const payload = chunk.subarray(at, at + frame.left);
      yield* this.#messagesIn(frame, payload, at);
      at += payload.length;
      frame.left -= payload.length;
      if (frame.left === 0) this.#endFrame(frame);
    }
  }

  #takeHeader(chunk: Buffer, at: number): number {
    const taken = chunk.copy(this.#header, this.#headerBytes, at);
    this.#headerBytes += taken;
    if (this.#headerBytes === FRAME_HEADER_BYTES) {
      this.#headerBytes = 0;
      this.#frame = {
        left: this.#header.readUIntBE(0, 3),
        type: this.#header.readUInt8(3),
        flags: this.#header.readUInt8(4),
        stream: this.#header.readUInt32BE(5) & 0x7f_ff_ff_ff,
      };
    }
    return taken;
  }

  /** Trailers are headers, too, of a response that has begun. */
  #begins({ type, stream }: Frame): boolean {
    if (type !== HEADERS || this.#messages.has(stream)) return false;
    this.#messages.set(stream, new MessageTracker());
    return true;
  }

  *#messagesIn({ type, stream }: Frame, payload: Buffer, at: number): Generator<ResponseEvent, void, void> {
    const tracker = this.#messages.get(stream);
    if (type !== DATA || tracker === undefined) return;
    for (const { end, bytes } of tracker.push(payload)) yield { kind: 'message', at: at + end, bytes };
  }

  #endFrame({ type, flags, stream }: Frame): void {
    this.#frame = undefined;
    if ((type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0) this.#messages.delete(stream);
  }
}

/** Finds the ends of the messages of one response, each behind a prefix of a flag and its length. */
class MessageTracker {
  readonly #prefix = Buffer.alloc(MESSAGE_PREFIX_BYTES);
  #prefixBytes = 0;
  #bytes = 0;
  #left = 0;

  *push(payload: Buffer): Generator<{ end: number; bytes: number }, void, void> {
    let at = 0;
    while (at < payload.length) {
      if (this.#prefixBytes < MESSAGE_PREFIX_BYTES) at += this.#takePrefix(payload, at);
      const taken = Math.min(this.#left, payload.length - at);
      this.#left -= taken;
      at += taken;
      if (this.#left > 0 || this.#prefixBytes < MESSAGE_PREFIX_BYTES) continue;
      this.#prefixBytes = 0;
      yield { end: at, bytes: this.#bytes };
    }
  }

  #takePrefix(payload: Buffer, at: number): number {
    const taken = payload.copy(this.#prefix, this.#prefixBytes, at);
    this.#prefixBytes += taken;
    if (this.#prefixBytes === MESSAGE_PREFIX_BYTES) {
      this.#bytes = this.#prefix.readUInt32BE(1);
      this.#left = this.#bytes;
    }
    return taken;
  }
}
