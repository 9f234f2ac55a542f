import type { Instance, LockInfo } from 'nestjs-hmetcd';
import type { NodeView } from '../heartbeats/node.entry.js';
import type { Limits } from '../limits/limits.dto.js';

/** The process that serves the page, to be found among the instances. */
export type Self = Pick<Instance, 'host' | 'pid'>;

/** Without a view the node is gone. */
export interface NodeChange {
  readonly node: string;
  readonly view?: NodeView | undefined;
}

/** Tells a page on which nothing happens from one that hears nothing. */
export interface Pulse {
  /** Milliseconds since 1970: the reader's own clock may be another. */
  readonly now: number;
  /** Since when the store is not heard of, and what was sent may be of the past. */
  readonly staleSince?: Date | undefined;
}

/** What is sent, by its type. */
export interface PageData {
  readonly self: Self;
  readonly pulse: Pulse;
  /** All of them, as the stream begins; after that one by one. */
  readonly nodes: NodeView[];
  readonly node: NodeChange;
  readonly instances: Instance[];
  readonly sweep: LockInfo;
  readonly limits: Limits;
}

export type PageEvent = {
  [T in keyof PageData]: { readonly type: T; readonly data: PageData[T] };
}[keyof PageData];
