import type { TransactionOperator } from '../../../lib/kvi/kvi.js';

// What clients did, as they wrote it down. A client's journal has two JSON lines for each operation: one before it is
// sent, one when its outcome is known. A process that is killed so leaves what it had begun.
//
// Times are milliseconds that all processes of the machine count from the same moment:
// Number(process.hrtime.bigint()) / 1e6. An operation may have taken effect at any moment from `invokedAt` to
// `returnedAt`; `invokedAt` is read before the call, `returnedAt` after its answer.

/** What each operation is given, and what its answer holds. JSON knows no undefined: null stands for nothing. */
export interface Calls {
  get: { input: null; ok: string | null };
  store: { input: string; ok: null };
  delete: { input: null; ok: null };
  create: { input: string; ok: boolean };
  tas: { input: { readonly test: string; readonly set: string }; ok: boolean };
  /** On one key. Without `elseValue` the other branch writes nothing. */
  transaction: {
    input: {
      readonly operator: TransactionOperator;
      readonly value: string;
      readonly thenValue: string;
      readonly elseValue?: string;
    };
    ok: boolean;
  };
  /** One item, which nobody else appends; however often it had to be tried. */
  append: { input: string; ok: null };
  /** The whole list. */
  read: { input: null; ok: readonly string[] };
  /** Answers the fencing token. */
  acquire: { input: null; ok: number };
  /** Of the hold with this token. */
  release: { input: number; ok: null };
  /** Whether the hold with this token says of itself that it lasts (`assertHeld`). */
  assert: { input: number; ok: boolean };
  /** Nothing that is called: the holder was told that the hold with this token is lost, so both times are one. */
  lost: { input: number; ok: null };
  /** Any other call, of which only the time matters. Its key says which. */
  call: { input: null; ok: null };
}

/**
 * `not applied` is what the client was promised by an error: the operation took no effect and never will. `unknown` may
 * have been applied, or may be at any time to come; so may one of which nobody was told.
 */
export type Outcome<Ok = unknown> = { readonly ok: Ok } | 'not applied' | 'unknown';

/** The line before an operation is sent. */
export interface Invocation<Op extends keyof Calls = keyof Calls> {
  /** No other operation has it, of no other client either. */
  readonly id: string;
  /** `PROCESS.LANE`, where a lane does one operation after the other. */
  readonly client: string;
  readonly op: Op;
  /** Of the register or list, or the name of the lock. */
  readonly key: string;
  readonly input: Calls[Op]['input'];
  readonly invokedAt: number;
  /** Milliseconds within which it is promised to end; undefined for one that may wait for ever. */
  readonly deadlineMs?: number;
}

/** The line when it has ended. */
export interface Return<Op extends keyof Calls = keyof Calls> {
  readonly id: string;
  readonly returnedAt: number;
  readonly outcome: Outcome<Calls[Op]['ok']>;
}

/** Both lines in one; without the second, if there was none. */
export type OperationOf<Op extends keyof Calls> = Op extends unknown
  ? Invocation<Op> & Partial<Omit<Return<Op>, 'id'>>
  : never;

export type Operation = OperationOf<keyof Calls>;

export type Answered<One extends Operation> =
  One extends OperationOf<infer Op>
    ? One & { readonly returnedAt: number; readonly outcome: { readonly ok: Calls[Op]['ok'] } }
    : never;

/** A stretch of time. */
export interface Interval {
  readonly from: number;
  /** Infinity for one that has not ended. */
  readonly to: number;
}

/** What was done to a process. */
export interface Life extends Interval {
  readonly process: string;
  /** When it was stopped (SIGSTOP) or blocked. */
  readonly pauses: readonly Interval[];
}

/**
 * All operations in order of their invocation.
 *
 * @param journals each the text of a file that one process alone has written
 */
export function readHistory(...journals: readonly string[]): Operation[] {
  const operations = new Map<string, Operation>();
  for (const line of journals.flatMap(wholeLines)) merge(JSON.parse(line) as Invocation | Return, operations);
  return [...operations.values()].sort((a, b) => a.invokedAt - b.invokedAt);
}

export function isAnswered<One extends Operation>(operation: One): operation is One & Answered<One> {
  return typeof operation.outcome === 'object';
}

/** It may have been applied, now or later, but nobody knows. */
export function isAmbiguous({ outcome }: Operation): boolean {
  return outcome === undefined || outcome === 'unknown';
}

export function isOf<Op extends keyof Calls>(op: Op): (operation: Operation) => operation is OperationOf<Op> {
  return (operation): operation is OperationOf<Op> => operation.op === op;
}

export function processOf({ client }: { readonly client: string }): string {
  return client.slice(0, client.lastIndexOf('.'));
}

/** In words. */
export function inWords({ id, client, op, key, input, outcome }: Operation): string {
  const given = input === null ? key : `${key}, ${JSON.stringify(input)}`;
  const told = typeof outcome === 'object' ? JSON.stringify(outcome.ok) : (outcome ?? 'never told');
  return `${op}(${given}) → ${told} [${id} of ${client}]`;
}

/** A line that was cut by the death of its process tells nothing: what it would have announced was not sent. */
export function wholeLines(journal: string): string[] {
  return journal
    .slice(0, journal.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '');
}

function merge(line: Invocation | Return, operations: Map<string, Operation>): void {
  const begun = operations.get(line.id);
  if ('invokedAt' in line === (begun !== undefined))
    throw new Error(begun ? `${line.id} was begun twice` : `${line.id} has ended, but was not begun`);
  operations.set(line.id, { ...begun, ...line } as Operation);
}
