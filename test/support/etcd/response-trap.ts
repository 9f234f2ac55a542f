import type { ResponseEvent } from './grpc-responses.js';

/**
 * Decides where in what a server sends the link breaks: says how many of the bytes still reach the client, or
 * undefined as long as the link holds.
 */
export type ResponseTrap = (byteCount: number, events: Iterable<ResponseEvent>) => number | undefined;

/** Breaks after so many bytes, counted over all connections. */
export function afterBytes(count: number): ResponseTrap {
  let left = count;
  return (byteCount) => {
    left -= byteCount;
    return left <= 0 ? byteCount + left : undefined;
  };
}

/** Breaks right behind the gRPC message of that number, counted over all connections; smaller ones do not count. */
export function afterMessages(count: number, atLeastBytes: number): ResponseTrap {
  let left = count;
  return (_, events) => {
    for (const event of events) {
      if (event.kind === 'message' && event.bytes >= atLeastBytes) left -= 1;
      if (left <= 0) return event.at;
    }
    return undefined;
  };
}

/** Breaks before the next response: the server has done what it was asked, and the client never hears of it. */
export function beforeResponse(): ResponseTrap {
  return (_, events) => {
    for (const { kind, at } of events) if (kind === 'start') return at;
    return undefined;
  };
}
