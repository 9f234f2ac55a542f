import { InvalidArgumentError } from '../errors.js';
import type { KeySpan, TxnRequest } from '../store.js';

/** etcd has no empty key and refuses whatever names one, whether it would be done or not. */
export function refuseEmptyKey({ key }: KeySpan): void {
  if (key === '') throw new InvalidArgumentError('A key may not be empty.');
}

export function refuseEmptyKeys({ compare = [], success = [], failure = [] }: TxnRequest): void {
  compare.forEach(refuseEmptyKey);
  for (const branch of [success, failure]) {
    for (const operation of branch) {
      if (operation.type === 'txn') refuseEmptyKeys(operation);
      else refuseEmptyKey(operation);
    }
  }
}
