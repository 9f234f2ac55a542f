import type {
  ICompare,
  IEvent,
  IKeyValue,
  IPutRequest,
  IRangeRequest,
  IRangeResponse,
  IRequestOp,
  IResponseOp,
  ITxnRequest,
  ITxnResponse,
} from 'etcd3';
import { RevisionOverflowError } from '../errors.js';
import { TO_LAST_KEY } from '../key-span.js';
import { UnfitAnswerError } from './call-errors.js';
import type { WireNumber } from './messages.js';
import type {
  Compare,
  CompareOperator,
  KeyRecord,
  KeySpan,
  LeaseId,
  Operation,
  OperationResponse,
  Outcome,
  RangeRequest,
  RangeResponse,
  TxnRequest,
  TxnResponse,
  WatchEvent,
} from '../store.js';

// The numbers of etcd's enums (https://github.com/etcd-io/etcd/blob/main/api/etcdserverpb/rpc.proto).
const COMPARE_RESULTS = { '=': 0, '>': 1, '<': 2, '!=': 3 } as const satisfies Record<
  CompareOperator,
  number
>;
const COMPARE_CREATE = 1;
const COMPARE_MOD = 2;
const COMPARE_VALUE = 3;
const SORT_ASCENDING = 1;
const SORT_BY_CREATION = 2;

export function toNumber(wire: WireNumber): number {
  const number = typeof wire === 'string' ? Number(wire) : wire.toNumber();
  if (!Number.isSafeInteger(number)) {
    throw new RevisionOverflowError(
      'etcd answered a revision beyond 2^53-1, which JavaScript cannot count. Move the data to a new cluster, where revisions begin anew.',
    );
  }
  return number;
}

/** A 64-bit number in two halves, as protobufjs writes it. */
interface WireBits {
  readonly low: number;
  readonly high: number;
}

/** etcd3's types, but for the lease, of which they know a text or a number only. */
interface WireOperation extends Omit<IRequestOp, 'request_put' | 'request_txn'> {
  readonly request_put?: Omit<IPutRequest, 'lease'> & { readonly lease: WireBits | undefined };
  readonly request_txn?: WireTxn;
}

interface WireTxn extends Pick<ITxnRequest, 'compare'> {
  readonly success: readonly WireOperation[];
  readonly failure: readonly WireOperation[];
}

export function leaseToWire(id: LeaseId): WireBits {
  return { low: parseInt(`0${id.slice(-8)}`, 16), high: parseInt(`0${id.slice(0, -8)}`, 16) };
}

export function leaseFromWire(wire: WireNumber): LeaseId {
  if (typeof wire === 'object') return wire.isZero() ? '' : wire.toString(16);
  return wire === '0' ? '' : BigInt(wire).toString(16);
}

export function spanToWire({ key, rangeEnd }: KeySpan): { key: Buffer; range_end?: Buffer } {
  // An empty range_end that is given means "from this key on": for one key it must be left out.
  return { key: Buffer.from(key), range_end: rangeEnd === undefined ? undefined : Buffer.from(rangeEnd) };
}

export function rangeToWire(request: RangeRequest): IRangeRequest {
  const { revision, limit, keysOnly, oldestFirst } = request;
  const { key, range_end } = spanToWire(request);
  return {
    key,
    range_end,
    revision,
    limit,
    keys_only: keysOnly,
    sort_order: oldestFirst ? SORT_ASCENDING : undefined,
    sort_target: oldestFirst ? SORT_BY_CREATION : undefined,
  };
}

/** @throws when it is no answer to the request */
export function rangeFromWire({ header, kvs, more }: IRangeResponse, request: KeySpan): RangeResponse {
  const isFit = kvs.length === 0 ? !more : isWithin(request, kvs[0]!) && isWithin(request, kvs.at(-1)!);
  // Who reads on behind the last key of a page would otherwise read on for ever.
  if (!isFit) throw new UnfitAnswerError();
  return { revision: toNumber(header.revision), kvs: kvs.map(recordFromWire), more };
}

/** By the bytes as they came: those of a key that others have put need not be a text. */
function isWithin({ key: start, rangeEnd }: KeySpan, { key }: IKeyValue): boolean {
  if (rangeEnd === undefined) return key.equals(Buffer.from(start));
  if (key.compare(Buffer.from(start)) < 0) return false;
  return rangeEnd === TO_LAST_KEY || key.compare(Buffer.from(rangeEnd)) < 0;
}

export function recordFromWire(kv: IKeyValue): KeyRecord {
  return {
    key: kv.key.toString(),
    value: kv.value.toString(),
    createRevision: toNumber(kv.create_revision),
    modRevision: toNumber(kv.mod_revision),
    version: toNumber(kv.version),
    lease: leaseFromWire(kv.lease),
  };
}

export function eventFromWire({ type, kv, prev_kv: previous }: IEvent): WatchEvent {
  return {
    type: type === 'Delete' ? 'delete' : 'put',
    kv: recordFromWire(kv),
    previous: previous === null || previous === undefined ? undefined : recordFromWire(previous),
  };
}

export function txnToWire({ compare = [], success = [], failure = [] }: TxnRequest): WireTxn {
  return {
    compare: compare.map(compareToWire),
    success: success.map(operationToWire),
    failure: failure.map(operationToWire),
  };
}

/** @throws when it is no answer to the request */
export function txnFromWire(response: ITxnResponse, request: TxnRequest): TxnResponse {
  return { revision: toNumber(response.header.revision), ...outcomeFromWire(response, request) };
}

/** One response for each operation of the branch that was done, of its kind: else it does not tell what was done. */
function outcomeFromWire(
  { succeeded, responses }: Omit<ITxnResponse, 'header'>,
  { success = [], failure = [] }: TxnRequest,
): Outcome {
  const done = succeeded ? success : failure;
  if (responses.length !== done.length) throw new UnfitAnswerError();
  return { succeeded, responses: responses.map((response, at) => responseFromWire(response, done[at]!)) };
}

function compareToWire(condition: Compare): ICompare {
  const { key, range_end } = spanToWire(condition);
  const result = COMPARE_RESULTS[condition.operator];
  switch (condition.target) {
    case 'value':
      return { result, target: COMPARE_VALUE, key, value: Buffer.from(condition.value), range_end };
    case 'create':
      return { result, target: COMPARE_CREATE, key, create_revision: condition.revision, range_end };
    case 'mod':
      return { result, target: COMPARE_MOD, key, mod_revision: condition.revision, range_end };
  }
}

function operationToWire(operation: Operation): WireOperation {
  switch (operation.type) {
    case 'put': {
      const { key, value, lease } = operation;
      return {
        request_put: {
          key: Buffer.from(key),
          value: Buffer.from(value),
          lease: lease === undefined ? undefined : leaseToWire(lease),
        },
      };
    }
    case 'delete':
      return { request_delete_range: spanToWire(operation) };
    case 'range':
      return { request_range: rangeToWire(operation) };
    case 'txn':
      return { request_txn: txnToWire(operation) };
  }
}

function responseFromWire(response: IResponseOp, operation: Operation): OperationResponse {
  const { response_range: range, response_delete_range: deletion, response_txn: txn } = response;
  if (operation.type === 'range' && range) return { type: 'range', ...rangeFromWire(range, operation) };
  if (operation.type === 'delete' && deletion) return { type: 'delete', deleted: toNumber(deletion.deleted) };
  if (operation.type === 'txn' && txn) return { type: 'txn', ...outcomeFromWire(txn, operation) };
  if (operation.type === 'put' && response.response_put) return { type: 'put' };
  throw new UnfitAnswerError();
}
