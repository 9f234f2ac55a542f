import * as fc from 'fast-check';
import { FIRST_KEY, keyAfter, prefixEnd, TO_LAST_KEY } from '../../../lib/store/key-span.js';
import type { KeySpan } from '../../../lib/store/store.js';
import { anyKey } from '../../store/keys.js';
import {
  type OperationPlan,
  only,
  type Parts,
  type Plans,
  plansOf,
  type Step,
  type TxnPlan,
} from '../../store/memory/histories.js';

/** A step of a sequence that both stores are led through, one after the other. */
export type PortStep =
  | Extract<Step, { do: 'txn' | 'range' | 'grant' | 'keepAlive' | 'revoke' | 'compact' | 'watch' }>
  | ({ readonly do: 'write' } & TxnPlan)
  | { readonly do: 'revision' }
  /** At once, for it may be short. */
  | { readonly do: 'grant and revoke'; readonly ttlSec: number }
  | { readonly do: 'cancel'; readonly watch: number };

/** A step of a sequence through a writer that records what it has done. */
export type WriterStep =
  /** Writes that are asked for at once. */
  | { readonly do: 'write'; readonly plans: readonly TxnPlan[] }
  /** A key under a lease, which is put by a plain txn. */
  | { readonly do: 'put'; readonly key: string; readonly lease: number }
  | { readonly do: 'revoke'; readonly lease: number }
  | { readonly do: 'end session' };

/** It comes first: nothing that happens goes unseen. */
const WATCH_ALL: PortStep = { do: 'watch', ago: 0, key: FIRST_KEY, rangeEnd: TO_LAST_KEY };

/** Every value has it and no key does: where a message has it, it tells a value. */
export const MARK = '§';

/** So many that etcd's sort by create revision, which keeps the order of equals only in short lists, keeps it. */
const MOST_KEYS = 10;

const LONG = 'l'.repeat(5000);

const ODD_KEYS = [
  'a',
  'a\0',
  'a\0\0',
  'a/b',
  'a0',
  'b',
  '\0',
  '\0\0',
  '\0hmetcd',
  '\u007f',
  '\u0080',
  '\u00ff',
  '\u0100',
  '\u07ff',
  '\ud7ff',
  '\ue000',
  '\uffff',
  '\uffff\uffff',
  '\u{10000}',
  '\u{1f600}',
  '\u{1f600}\0',
  '\u{10ffff}',
  '\u{10ffff}\u{10ffff}',
  LONG,
  `${LONG}\uffff`,
  `${LONG}\u{1f600}`,
];

/** The shortest time, what is rounded, and what is too long for etcd. */
const ODD_TTLS_SEC = [0, 1, 2, 3, 9_000_000_000, 9_000_000_001];

const value = fc.constantFrom(
  ...['', '\0', '1', '2', '\ud7ff', '\uffff', '\u{10000}', '\u{1f600}', '\u{10ffff}'].map(
    (text) => MARK + text,
  ),
  '',
);
const few = fc.nat({ max: 3 });
const ago = fc.integer({ min: -1, max: 6 });

/** Few of them in a sequence, so that it meets itself, and now and then the one that is refused. */
const pools = fc.uniqueArray(
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...ODD_KEYS) },
    { weight: 1, arbitrary: anyKey.filter((key) => !key.includes(MARK)) },
  ),
  { minLength: 2, maxLength: MOST_KEYS, size: 'max' },
);

function keysOf(pool: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 60, arbitrary: fc.constantFrom(...pool) },
    { weight: 1, arbitrary: fc.constant('') },
  );
}

/** To another key, which may come before, to all that have a beginning in common, to the last. */
function spansOf(pool: readonly string[], key: fc.Arbitrary<string>): fc.Arbitrary<KeySpan> {
  const known = fc.constantFrom(...pool);
  const rangeEnd = fc.oneof(
    { weight: 3, arbitrary: known },
    { weight: 1, arbitrary: known.map(keyAfter) },
    { weight: 1, arbitrary: known.map(prefixEnd) },
    { weight: 2, arbitrary: fc.constant(TO_LAST_KEY) },
  );
  return fc.oneof(fc.record({ key }), fc.record({ key, rangeEnd }));
}

function partsOf(pool: readonly string[]): Parts {
  const key = keysOf(pool);
  return { key, value, span: spansOf(pool, key), ago, lease: few };
}

function writingOf({ put, remove, txns }: Plans): fc.Arbitrary<PortStep> {
  return fc.oneof(
    { weight: 5, arbitrary: put.map(only) },
    { weight: 1, arbitrary: remove.map(only) },
    { weight: 4, arbitrary: txns.map((plan): PortStep => ({ do: 'txn', ...plan })) },
  ) as fc.Arbitrary<PortStep>;
}

/** A watch of the empty key is not among them: etcd takes it for the first key, and nobody asks for it. */
function watchingOf(pool: readonly string[]): fc.Arbitrary<PortStep> {
  const span = spansOf(pool, fc.constantFrom(...pool));
  return fc.tuple(span, ago).map(([keys, back]) => ({ do: 'watch', ago: back, ...keys }));
}

function stepsOf(pool: readonly string[], longest: number): fc.Arbitrary<PortStep[]> {
  const plans = plansOf(partsOf(pool));
  const writing = writingOf(plans);
  const written = plansOf(forWriters(pool)).txns;
  const granting = fc.record({ do: fc.constant('grant' as const), ttlSec: fc.constantFrom(600, 700) });
  const oddGranting = fc.record({
    do: fc.constant('grant and revoke' as const),
    ttlSec: fc.constantFrom(...ODD_TTLS_SEC),
  });
  const step: fc.Arbitrary<PortStep> = fc.oneof(
    { weight: 60, arbitrary: writing },
    { weight: 3, arbitrary: holdingOf(pool) },
    { weight: 8, arbitrary: written.map((plan): PortStep => ({ do: 'write', ...plan })) },
    { weight: 20, arbitrary: plans.range.map((request): PortStep => ({ do: 'range', ...request })) },
    { weight: 3, arbitrary: fc.constant<PortStep>({ do: 'revision' }) },
    { weight: 5, arbitrary: granting },
    { weight: 1, arbitrary: oddGranting },
    { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('keepAlive', 'revoke'), lease: few }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('compact' as const), ago }) },
    { weight: 5, arbitrary: watchingOf(pool) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), watch: few }) },
  );
  return fc.array(step, { maxLength: longest, size: 'max' }).map((steps) => [WATCH_ALL, ...steps]);
}

/** Some keys under one lease, which end together. */
function holdingOf(pool: readonly string[]): fc.Arbitrary<PortStep> {
  return fc.tuple(fc.shuffledSubarray([...pool]), few).map(([keys, lease]) => ({
    do: 'txn',
    compare: [],
    success: keys.map((key): OperationPlan => ({ type: 'put', key, value: MARK, lease })),
    failure: [],
  }));
}

/**
 * What a writer takes: no spans, no leases. Its records make other revisions on etcd, so that none are named; and they
 * leave out its reads, so that no empty key is.
 */
function forWriters(pool: readonly string[]): Parts {
  const none = fc.constant(undefined);
  const key = fc.constantFrom(...pool);
  return { key, value, span: fc.record({ key }), ago: none, lease: none };
}

/** A record leaves out what is never done, and takes txns without a condition apart: etcd does not check them as they were. */
function isKeptAsItIs(plan: TxnPlan): boolean {
  const branches = [plan.success, plan.failure];
  const nested = branches.flat().filter((operation) => operation.type === 'txn');
  if (plan.compare.length === 0 && plan.failure.length > 0) return false;
  if (nested.length > 0 && branches.some(writesTwice)) return false;
  return nested.every(isKeptAsItIs);
}

function writesTwice(branch: readonly OperationPlan[]): boolean {
  const keys = branch.flatMap(writtenKeys);
  return new Set(keys).size < keys.length;
}

function writtenKeys(operation: OperationPlan): string[] {
  if (operation.type === 'txn') return [...operation.success, ...operation.failure].flatMap(writtenKeys);
  return operation.type === 'range' ? [] : [operation.key];
}

function writerStepsOf(pool: readonly string[], longest: number): fc.Arbitrary<WriterStep[]> {
  const { txns, put } = plansOf(forWriters(pool));
  const kept = txns.filter(isKeptAsItIs);
  const alone = (plan: OperationPlan): TxnPlan => ({ compare: [], success: [plan], failure: [] });
  const plans = fc.array(fc.oneof(kept, put.map(alone)), { minLength: 1, maxLength: 8, size: 'max' });
  const step: fc.Arbitrary<WriterStep> = fc.oneof(
    { weight: 12, arbitrary: plans.map((some): WriterStep => ({ do: 'write', plans: some })) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('put' as const), key: fc.constantFrom(...pool), lease: few }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('revoke' as const), lease: few }) },
    { weight: 1, arbitrary: fc.constant<WriterStep>({ do: 'end session' }) },
  );
  return fc.array(step, { maxLength: longest, size: 'max' });
}

export function portSequences(longest: number): fc.Arbitrary<PortStep[]> {
  return pools.chain((pool) => stepsOf(pool, longest));
}

export function writerSequences(longest: number): fc.Arbitrary<WriterStep[]> {
  return pools.chain((pool) => writerStepsOf(pool, longest));
}
