import type { Operation, TxnRequest } from '../store/store.js';
import type { TransactionOperator } from './kvi.js';
import { checkKey, checkOperator, checkValue, refuse } from './validate.js';

// The writes of the interface as txns: whoever sends them, plain or fenced by a lock, has had their arguments checked.

export function storeRequest(key: string, value: string): TxnRequest {
  checkKey('key', key);
  checkValue('value', value);
  return { success: [{ type: 'put', key, value }] };
}

export function deleteRequest(key: string): TxnRequest {
  checkKey('key', key);
  return { success: [{ type: 'delete', key }] };
}

export function transactionRequest(
  key: string,
  op: TransactionOperator,
  value: string,
  thenKey: string,
  thenValue: string,
  elseKey?: string,
  elseValue?: string,
): TxnRequest {
  checkKey('key', key);
  checkOperator('op', op);
  checkValue('value', value);
  checkKey('thenKey', thenKey);
  checkValue('thenValue', thenValue);
  return {
    compare: [{ target: 'value', key, operator: op, value }],
    success: [{ type: 'put', key: thenKey, value: thenValue }],
    failure: [elseOperation(key, elseKey, elseValue)],
  };
}

export function tasRequest(key: string, testValue: string, setValue: string): TxnRequest {
  checkKey('key', key);
  checkValue('testValue', testValue);
  checkValue('setValue', setValue);
  return {
    compare: [{ target: 'value', key, operator: '=', value: testValue }],
    success: [{ type: 'put', key, value: setValue }],
    failure: [look(key)],
  };
}

export function createIfAbsentRequest(key: string, value: string): TxnRequest {
  checkKey('key', key);
  checkValue('value', value);
  return {
    compare: [{ target: 'create', key, operator: '=', revision: 0 }],
    success: [{ type: 'put', key, value }],
    failure: [look(key)],
  };
}

function elseOperation(key: string, elseKey: unknown, elseValue: unknown): Operation {
  if (elseKey === undefined) {
    if (elseValue !== undefined) throw refuse('elseKey', 'given together with elseValue', elseKey);
    return look(key);
  }
  checkKey('elseKey', elseKey);
  checkValue('elseValue', elseValue);
  return { type: 'put', key: elseKey, value: elseValue };
}

/** A txn that only compares may be answered without a quorum, so the branch that writes nothing reads. */
function look(key: string): Operation {
  return { type: 'range', key, keysOnly: true };
}
