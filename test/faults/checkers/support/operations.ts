import type { Calls, Operation, Outcome } from '../history.js';

/** An operation of a history as a test writes it down: `to` left out for one of which nobody was told. */
export function operation<Op extends keyof Calls>(
  op: Op,
  input: Calls[Op]['input'],
  [invokedAt, returnedAt]: readonly [from: number, to?: number],
  outcome?: Outcome<Calls[Op]['ok']>,
  { key = 'k', client = `p${invokedAt}.1` } = {},
): Operation {
  const id = `${op}@${invokedAt}`;
  return { id, client, op, key, input, invokedAt, returnedAt, outcome } as Operation;
}

type Time = readonly [from: number, to?: number];
type Place = { readonly key?: string; readonly client?: string };

export const get = (ok: string | null, at: Time, place?: Place): Operation =>
  operation('get', null, at, { ok }, place);
export const store = (value: string, at: Time, outcome: Outcome<null> = { ok: null }): Operation =>
  operation('store', value, at, outcome);
export const acquire = (token: number, at: Time, place?: Place): Operation =>
  operation('acquire', null, at, { ok: token }, place);
export const release = (token: number, at: Time, place?: Place): Operation =>
  operation('release', token, at, { ok: null }, place);
export const lost = (token: number, at: number, place?: Place): Operation =>
  operation('lost', token, [at, at], { ok: null }, place);
export const held = (token: number, at: Time, place?: Place): Operation =>
  operation('assert', token, at, { ok: true }, place);
