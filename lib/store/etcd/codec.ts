import type {
  ICompare,
  IEvent,
  IKeyValue,
  IRangeRequest,
  IRangeResponse,
  IRequestOp,
  IResponseOp,
  ITxnRequest,
  ITxnResponse,
} from 'etcd3';
import { RevisionOverflowError } from '../errors.js';
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

export function toNumber(wire: WireNumber): number {
  const number = typeof wire === 'string' ? Number(wire) : wire.toNumber();
  if (!Number.isSafeInteger(number)) {
    throw new RevisionOverflowError(
      'etcd answered a revision beyond 2^53-1, which JavaScript cannot count. Move the data to a new cluster, where revisions begin anew.',
    );
  }
  return number;
}

export function leaseToWire(id: LeaseId | undefined): string {
  return id === undefined || id === '' ? '0' : BigInt(`0x${id}`).toString();
}

export function leaseFromWire(wire: WireNumber): LeaseId {
  const id = typeof wire === 'string' ? BigInt(wire).toString(16) : wire.toString(16);
  return id === '0' ? '' : id;
}

export function spanToWire({ key, rangeEnd }: KeySpan): { key: Buffer; range_end?: Buffer } {
  // An empty range_end that is given means "from this key on": for one key it must be left out.
  return rangeEnd === undefined
    ? { key: Buffer.from(key) }
    : { key: Buffer.from(key), range_end: Buffer.from(rangeEnd) };
}

export function rangeToWire(request: RangeRequest): IRangeRequest {
  const { revision, limit, keysOnly, oldestFirst } = request;
  return {
    ...spanToWire(request),
    ...(revision === undefined ? {} : { revision }),
    ...(limit === undefined ? {} : { limit }),
    ...(keysOnly ? { keys_only: true } : {}),
    ...(oldestFirst ? { sort_order: 'Ascend', sort_target: 'Create' } : {}),
  };
}

export function rangeFromWire({ header, kvs, more }: IRangeResponse): RangeResponse {
  return { revision: toNumber(header.revision), kvs: kvs.map(recordFromWire), more };
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

export function txnToWire({ compare = [], success = [], failure = [] }: TxnRequest): ITxnRequest {
  return {
    compare: compare.map(compareToWire),
    success: success.map(operationToWire),
    failure: failure.map(operationToWire),
  };
}

export function txnFromWire(response: ITxnResponse): TxnResponse {
  return { revision: toNumber(response.header.revision), ...outcomeFromWire(response) };
}

function outcomeFromWire({ succeeded, responses }: Omit<ITxnResponse, 'header'>): Outcome {
  return { succeeded, responses: responses.map(responseFromWire) };
}

const COMPARE_RESULTS = {
  '=': 'Equal',
  '!=': 'NotEqual',
  '<': 'Less',
  '>': 'Greater',
} as const satisfies Record<CompareOperator, string>;

function compareToWire(condition: Compare): ICompare {
  const common = { ...spanToWire(condition), result: COMPARE_RESULTS[condition.operator] };
  switch (condition.target) {
    case 'value':
      return { ...common, target: 'Value', value: Buffer.from(condition.value) };
    case 'create':
      return { ...common, target: 'Create', create_revision: condition.revision };
    case 'mod':
      return { ...common, target: 'Mod', mod_revision: condition.revision };
  }
}

function operationToWire(operation: Operation): IRequestOp {
  switch (operation.type) {
    case 'put': {
      const { key, value, lease } = operation;
      return { request_put: { key: Buffer.from(key), value: Buffer.from(value), lease: leaseToWire(lease) } };
    }
    case 'delete':
      return { request_delete_range: spanToWire(operation) };
    case 'range':
      return { request_range: rangeToWire(operation) };
    case 'txn':
      return { request_txn: txnToWire(operation) };
  }
}

function responseFromWire(response: IResponseOp): OperationResponse {
  if (response.response_range) return { type: 'range', ...rangeFromWire(response.response_range) };
  if (response.response_delete_range) {
    return { type: 'delete', deleted: toNumber(response.response_delete_range.deleted) };
  }
  if (response.response_txn) return { type: 'txn', ...outcomeFromWire(response.response_txn) };
  return { type: 'put' };
}
