import type { KeySpan } from './store.js';

/**
 * On `nestjs-hmetcd:batch`, a tracing channel: a request to etcd in which operations travel together, from its sending to
 * its answer. What is sent again, or apart after a refusal, is another one.
 *
 * @publicApi
 */
export interface BatchMessage {
  /** The URLs of etcd, with a comma and a space between them. */
  readonly endpoint: string;
  /** Reads and writes never travel together. */
  readonly kind: 'read' | 'write';
  /** How many calls travel in it. */
  readonly operations: number;
  /** How long their keys and values are in UTF-8, together. */
  readonly bytes: number;
  /** Why there was no answer, or what the server refused: in `error` and after it. */
  error?: unknown;
}

/**
 * On `nestjs-hmetcd:watch.lost`: the stream of all watches of a connection is gone. They go on by themselves.
 *
 * @publicApi
 */
export interface WatchLostMessage {
  /** The URLs of etcd, with a comma and a space between them. */
  readonly endpoint: string;
  /** The URL that the stream led to. */
  readonly member: string;
  /** How it ended, in words. */
  readonly reason: string;
}

/**
 * On `nestjs-hmetcd:watch.resumed`: the stream of all watches is there again, and what was missed is on its way.
 *
 * @publicApi
 */
export interface WatchResumedMessage {
  /** The URLs of etcd, with a comma and a space between them. */
  readonly endpoint: string;
  /** The URL that the stream leads to. */
  readonly member: string;
  /** For how many milliseconds etcd had not been heard of. */
  readonly cutOffMs: number;
}

/**
 * On `nestjs-hmetcd:watch.lag`: whoever follows a range takes changes of it. The span is as the store has it, behind the
 * namespace; `rangeEnd` is left out for a single key.
 *
 * @publicApi
 */
export interface WatchLagMessage extends KeySpan {
  /** `mem:NAME`, or the URLs of etcd. */
  readonly endpoint: string;
  /** How many. */
  readonly changes: number;
  /** For how many milliseconds they had been here; 0 when they were waited for. */
  readonly waitedMs: number;
}
