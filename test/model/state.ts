import type { Answer, Etcd, Operation, Request } from './etcd.model.js';

/** How often something may happen. */
export interface Budget {
  /** Of one request, the first one included. */
  readonly copies: number;
  /** The network delivers a request and keeps a copy of it, for later. Nobody hears what that is answered. */
  readonly repeats: number;
  /** A proxy sends a request again of its own accord, and gives the handle only the answer to the second copy. */
  readonly proxyResends: number;
  /** Another client puts what the conditions of the operations wait for. */
  readonly othersWrites: number;
  readonly leaseExpiries: number;
  /** The handle takes its session for lost while the lease may still live: its deadline comes first. */
  readonly sessionsGivenUp: number;
  /** An operator deletes all slots. */
  readonly wipes: number;
  /** etcd refuses a write which it might take if it came again: the user has no right, or there is no space. */
  readonly refusals: number;
  /** etcd applies a write and answers that there is no space: the space ended between its two looks. */
  readonly appliedRefusals: number;
}

export interface Scenario extends Budget {
  readonly operations: readonly Operation[];
  /** No deadline comes. */
  readonly isPatient?: boolean;
}

export type Outcome = 'true' | 'false' | 'not applied' | 'unknown';

/** Everything there is at one moment. */
export interface State {
  readonly etcd: Etcd;
  readonly handle: Handle;
  readonly underWay: readonly Message[];
  readonly left: Budget;
  readonly facts: Facts;
}

export interface Handle {
  readonly session: number;
  /** Which slot of the session is in use: there is need for a second one only where a rule is left out. */
  readonly place: number;
  /** The mod revision of each slot that was created, as far as the handle knows. */
  readonly mods: Readonly<Record<string, number>>;
  /** Which operation is to be done. */
  readonly operation: number;
  /** What the handle waits for. */
  readonly call?: Call;
  /** The bump of a write whose outcome was called unknown. */
  readonly background?: Call;
}

export interface Call {
  readonly request: Request;
  readonly copies: number;
}

/** A request, or the answer to one. Whoever does not wait for the answer to this copy any more does not hear it. */
export interface Message {
  readonly to: 'call' | 'background' | 'nobody';
  readonly request: Request;
  readonly answer?: Answer;
}

/** What nobody in the model knows, and the invariants are about. */
export interface Facts {
  readonly told: readonly Outcome[];
  /** The evaluations of the operations, in their order. One that did not hold has written nothing. */
  readonly evaluated: readonly { readonly operation: number; readonly held: boolean }[];
}
