import { DELETE, type KeyChange, PUT } from '../../../../lib/kvi/key-change.js';

/** Changes as a test writes them down; with the value before, if it was asked for and there was one. */
export function put(key: string, value: string, revision: number, prevValue?: string): KeyChange {
  return { key, value, revision, op: PUT, ...(prevValue === undefined ? {} : { prevValue }) };
}

export function deletion(key: string, revision: number, prevValue?: string): KeyChange {
  return { key, value: undefined, revision, op: DELETE, ...(prevValue === undefined ? {} : { prevValue }) };
}
