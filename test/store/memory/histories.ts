import * as fc from 'fast-check';
import type {
  Compare,
  KeySpan,
  LeaseId,
  Operation,
  RangeRequest,
  TxnRequest,
} from '../../../lib/store/store.js';

/**
 * Random histories. Revisions and leases are named relative to the database as it will be ("two revisions ago",
 * "the first lease"), so that a history stays sensible when fast-check shortens it.
 */
export type Step =
  | ({ readonly do: 'txn' } & TxnPlan)
  | ({ readonly do: 'range' } & RangePlan)
  | { readonly do: 'grant'; readonly ttlSec: number }
  | { readonly do: 'keepAlive' | 'revoke'; readonly lease: number }
  | { readonly do: 'advance'; readonly sec: number }
  | { readonly do: 'compact'; readonly ago: number }
  | ({ readonly do: 'watch'; readonly ago: number } & KeySpan)
  | { readonly do: 'next' | 'progress' | 'cancel'; readonly watch: number };

export type RangePlan = Omit<RangeRequest, 'revision'> & { readonly ago?: number };

export interface TxnPlan {
  readonly compare: readonly ComparePlan[];
  readonly success: readonly OperationPlan[];
  readonly failure: readonly OperationPlan[];
}

export type OperationPlan =
  | { readonly type: 'put'; readonly key: string; readonly value: string; readonly lease?: number }
  | ({ readonly type: 'delete' } & KeySpan)
  | ({ readonly type: 'range' } & RangePlan)
  | ({ readonly type: 'txn' } & TxnPlan);

type ComparePlan = Omit<Compare & { target: 'value' }, 'target'> & {
  readonly target: 'value' | 'create' | 'mod';
  /** Left out: revision 0, as a missing key has it. */
  readonly ago?: number;
};

/** The present that the plans are relative to. */
export interface Present {
  readonly revision: number;
  readonly leases: readonly LeaseId[];
}

const UNKNOWN_LEASE = 'dead';

export function leaseAt(index: number, present: Present): LeaseId {
  return present.leases[index] ?? UNKNOWN_LEASE;
}

export function rangeAt({ ago, ...request }: RangePlan, present: Present): RangeRequest {
  return ago === undefined ? request : { ...request, revision: present.revision - ago };
}

export function txnAt({ compare, success, failure }: TxnPlan, present: Present): TxnRequest {
  return {
    compare: compare.map((plan) => compareAt(plan, present)),
    success: success.map((plan) => operationAt(plan, present)),
    failure: failure.map((plan) => operationAt(plan, present)),
  };
}

function operationAt(plan: OperationPlan, present: Present): Operation {
  switch (plan.type) {
    case 'put': {
      const { lease, ...put } = plan;
      return lease === undefined ? put : { ...put, lease: leaseAt(lease, present) };
    }
    case 'delete':
      return plan;
    case 'range':
      return { type: 'range', ...rangeAt(plan, present) };
    case 'txn':
      return { type: 'txn', ...txnAt(plan, present) };
  }
}

function compareAt({ ago, value, target, ...plan }: ComparePlan, present: Present): Compare {
  if (target === 'value') return { ...plan, target, value };
  return { ...plan, target, revision: ago === undefined ? 0 : present.revision - ago };
}

/** Few, so that histories meet themselves; from every corner of the byte order. */
export const KEYS = [
  'a',
  'a/b',
  'b',
  '\0',
  '\u00e9',
  '\ud7ff',
  '\ue000',
  '\uffff',
  '\u{1f600}',
  '\u{10ffff}',
];

const few = fc.nat({ max: 3 });
const operator = fc.constantFrom('=', '!=', '<', '>');

/** Left out three times of four: most puts have no lease, most reads are of the present. */
const optional = <T>(some: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: some });

/** A record without the entries that came out as undefined. */
function compactRecord<T extends object>(record: T): T {
  return Object.fromEntries(Object.entries(record).filter(([, entry]) => entry !== undefined)) as T;
}

/** What plans are made of. */
export interface Parts {
  readonly key: fc.Arbitrary<string>;
  readonly value: fc.Arbitrary<string>;
  readonly span: fc.Arbitrary<KeySpan>;
  /** How many revisions before the present; undefined for the present itself. */
  readonly ago: fc.Arbitrary<number | undefined>;
  /** The lease of a put; undefined for none. */
  readonly lease: fc.Arbitrary<number | undefined>;
}

export interface Plans {
  readonly put: fc.Arbitrary<OperationPlan>;
  readonly remove: fc.Arbitrary<OperationPlan>;
  readonly range: fc.Arbitrary<RangePlan>;
  /** Transactions in transactions in a transaction are the most. */
  readonly txns: fc.Arbitrary<TxnPlan>;
}

export function plansOf({ key, value, span, ago, lease }: Parts): Plans {
  const put = fc
    .record({ type: fc.constant('put' as const), key, value, lease: optional(lease) })
    .map(compactRecord) as fc.Arbitrary<OperationPlan>;
  const remove = span.map((keys): OperationPlan => ({ type: 'delete', ...keys }));
  const range = fc
    .tuple(
      span,
      fc.record({
        ago: optional(ago),
        limit: optional(few),
        keysOnly: optional(fc.boolean()),
        oldestFirst: optional(fc.boolean()),
      }),
    )
    .map(([keys, options]) => compactRecord({ ...keys, ...options }) as RangePlan);
  const plain = fc.oneof(
    { weight: 4, arbitrary: put },
    { weight: 2, arbitrary: remove },
    { weight: 2, arbitrary: range.map((request): OperationPlan => ({ type: 'range', ...request })) },
  );
  const compare = fc
    .tuple(
      span,
      fc.record({
        target: fc.constantFrom('value', 'create', 'mod'),
        operator,
        value,
        ago: optional(ago),
      }),
    )
    .map(([keys, condition]) => compactRecord({ ...keys, ...condition }) as ComparePlan);
  const txnOf = (operation: fc.Arbitrary<OperationPlan>): fc.Arbitrary<TxnPlan> => {
    const branch = fc.array(operation, { maxLength: 3 });
    return fc.record({ compare: fc.array(compare, { maxLength: 2 }), success: branch, failure: branch });
  };
  const orNested = (operation: fc.Arbitrary<OperationPlan>): fc.Arbitrary<OperationPlan> =>
    fc.oneof(
      { weight: 4, arbitrary: operation },
      { weight: 1, arbitrary: txnOf(operation).map((plan) => ({ type: 'txn' as const, ...plan })) },
    );
  return { put, remove, range, txns: txnOf(orNested(orNested(plain))) };
}

const key = fc.constantFrom(...KEYS);
const value = fc.constantFrom('', '1', '2', '\uffff', '\u{1f600}');
const ago = fc.integer({ min: -1, max: 6 });
const manyKeys: fc.Arbitrary<KeySpan> = fc.record({ key, rangeEnd: fc.oneof(key, fc.constant('\0')) });
const span = fc.oneof(fc.record({ key }), manyKeys);

const { put, remove, range, txns } = plansOf({ key, value, span, ago, lease: few });
export { txns };

/** A transaction of one operation. */
export const only = (plan: OperationPlan): Step => ({
  do: 'txn',
  compare: [],
  success: [plan],
  failure: [],
});
const writing: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: put.map(only) },
  { weight: 1, arbitrary: remove.map(only) },
  { weight: 4, arbitrary: txns.map((plan): Step => ({ do: 'txn', ...plan })) },
);
const granting = fc.record({ do: fc.constant('grant' as const), ttlSec: few });
const watching = fc.tuple(span, ago).map(([keys, back]): Step => ({ do: 'watch', ago: back, ...keys }));

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: writing },
  { weight: 3, arbitrary: range.map((request): Step => ({ do: 'range', ...request })) },
  { weight: 2, arbitrary: granting },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('keepAlive', 'revoke'), lease: few }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('advance' as const), sec: few }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compact' as const), ago }) },
  { weight: 1, arbitrary: watching },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('next' as const), watch: few }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('progress', 'cancel'), watch: few }) },
);

/** Some leases, a past and watches to begin with, then anything. */
export const histories: fc.Arbitrary<Step[]> = fc
  .tuple(
    fc.array(granting, { maxLength: 2, size: 'max' }),
    fc.array(writing, { minLength: 2, maxLength: 8, size: 'max' }),
    fc.array(watching, { maxLength: 3, size: 'max' }),
    fc.array(step, { maxLength: 40, size: 'max' }),
  )
  .map((parts) => parts.flat());
