import { compareBytes } from '../store/byte-order.js';
import { InvalidArgumentError, isOurs } from '../store/errors.js';
import { DELETE, KeyChangeOp, PUT } from './key-change.js';
import { lockPrefix, RESERVED_PREFIX } from './keys.js';
import type { KeyRange, TransactionOperator } from './kvi.js';

/** More of anything was not meant, and would take its time to read. */
const LONGEST_LIST = 1000;

/** Says what an argument may be, and of what was given only its kind: a value must not reach a message. */
export function refuse(argument: string, mustBe: string, given: unknown): InvalidArgumentError {
  return refusal(argument, mustBe, kindOf(given));
}

/** As {@link refuse}, for arguments that are numbers and so no secrets: -1 says more than "a number". */
export function refuseNumber(argument: string, mustBe: string, given: unknown): InvalidArgumentError {
  return refusal(argument, mustBe, typeof given === 'number' ? String(given) : kindOf(given));
}

export function checkKey(argument: string, key: unknown): asserts key is string {
  if (typeof key !== 'string' || key === '') throw refuse(argument, 'a non-empty string', key);
  checkWellFormed(argument, key);
  if (key.startsWith(RESERVED_PREFIX)) {
    throw new InvalidArgumentError(
      `${argument} must not lie under ${JSON.stringify(RESERVED_PREFIX)}, which the library keeps for itself. Nothing was sent.`,
    );
  }
}

/** A lock's keys lie below its name, where the library's own may not be. */
export function checkLockName(argument: string, name: unknown): asserts name is string {
  checkKey(argument, name);
  checkKey(argument, lockPrefix(name));
}

export function checkValue(argument: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') throw refuse(argument, 'a string', value);
  checkWellFormed(argument, value);
}

export function checkOperator(argument: string, operator: unknown): asserts operator is TransactionOperator {
  if (operator !== '=' && operator !== '!=' && operator !== '<' && operator !== '>') {
    throw refuse(argument, "one of '=', '!=', '<', '>'", operator);
  }
}

export function checkChangeOp(argument: string, op: unknown): asserts op is PUT | DELETE {
  if (op === KeyChangeOp.INVAL || (op !== PUT && op !== DELETE)) {
    throw refuseNumber(argument, `PUT (${PUT}) or DELETE (${DELETE})`, op);
  }
}

export function checkSeconds(argument: string, seconds: unknown): asserts seconds is number {
  if (typeof seconds !== 'number' || !Number.isFinite(seconds) || seconds < 0) {
    throw refuseNumber(argument, 'a finite number of seconds, 0 or more', seconds);
  }
}

export function checkPositiveSeconds(argument: string, seconds: unknown): asserts seconds is number {
  checkSeconds(argument, seconds);
  if (seconds === 0) throw refuseNumber(argument, 'more than 0 seconds', seconds);
}

/** Refuses a lock that would have to be kept for longer than it may be held. */
export function checkHoldTimes(
  argument: string,
  { minHoldSec, maxHoldSec }: { readonly minHoldSec?: number; readonly maxHoldSec?: number },
): void {
  if (minHoldSec !== undefined && maxHoldSec !== undefined && minHoldSec > maxHoldSec) {
    throw new InvalidArgumentError(
      `${argument}.minHoldSec must not be more than ${argument}.maxHoldSec, but is ${minHoldSec} and that ${maxHoldSec}. Nothing was sent.`,
    );
  }
}

export function checkRevision(argument: string, revision: unknown): asserts revision is number {
  if (!Number.isSafeInteger(revision) || (revision as number) < 1) {
    throw refuseNumber(argument, 'a revision: a whole number from 1 to 2^53-1', revision);
  }
}

export function checkFunction(argument: string, given: unknown): void {
  if (typeof given !== 'function') throw refuse(argument, 'a function', given);
}

export function checkBoolean(argument: string, given: unknown): void {
  if (typeof given !== 'boolean') throw refuse(argument, 'true or false', given);
}

export function checkSignal(argument: string, given: unknown): asserts given is AbortSignal {
  if (!isSignal(given)) throw refuse(argument, 'an AbortSignal', given);
}

/** Reads a range once. Refuses one that is malformed, not one that is empty because its start comes after its end. */
export function readRange(argument: string, given: unknown): KeyRange {
  if (typeof given === 'string') {
    checkKey(argument, given);
    return given;
  }
  if (!isRecord(given)) throw refuse(argument, 'a key, { prefix } or { start, end }', given);
  if (look(argument, () => 'prefix' in given)) {
    const { prefix } = readFields<{ prefix: string }>(argument, given, { prefix: checkPrefix });
    checkPrefix(`${argument}.prefix`, prefix);
    return { prefix };
  }
  const { start, end } = readFields<{ start: string; end: string }>(argument, given, {
    start: checkKey,
    end: checkKey,
  });
  checkKey(`${argument}.start`, start);
  checkKey(`${argument}.end`, end);
  return { start, end };
}

/** Reading a range whose start comes after its end finds nothing; watching one would wait for ever. */
export function refuseInverted(argument: string, range: KeyRange): void {
  if (typeof range === 'object' && 'start' in range && compareBytes(range.start, range.end) > 0) {
    throw new InvalidArgumentError(
      `${argument}.start must not come after ${argument}.end. Nothing was sent.`,
    );
  }
}

/**
 * The fields of an options object that are given, each checked by its own check. They are read once, and what is
 * answered is a copy: a getter may answer something else the next time. Unknown fields are refused by name.
 */
export function readFields<T extends object>(
  argument: string,
  given: unknown,
  checks: { readonly [Field in keyof Required<T>]: (name: string, value: unknown) => void },
): T {
  if (!isRecord(given)) throw refuse(argument, 'an object', given);
  const fields = look(argument, () => copyOf(argument, given, Object.keys(checks)));
  for (const [field, check] of Object.entries<(name: string, value: unknown) => void>(checks)) {
    if (fields[field] !== undefined) check(`${argument}.${field}`, fields[field]);
  }
  return fields as T;
}

/** A copy of an array, holes included. */
export function readArray(argument: string, mustBe: string, given: unknown): unknown[] {
  if (!isArray(given)) throw refuse(argument, mustBe, given);
  const list = look(argument, () =>
    given.length > LONGEST_LIST ? undefined : Array.from({ length: given.length }, (_, at) => given[at]),
  );
  if (list === undefined) throw refusal(argument, mustBe, `an array of more than ${LONGEST_LIST}`);
  return list;
}

export function isRecord(given: unknown): given is Record<string, unknown> {
  return typeof given === 'object' && given !== null && !isArray(given);
}

function isArray(given: unknown): given is readonly unknown[] {
  try {
    return Array.isArray(given);
  } catch {
    // A proxy that was revoked is not even that.
    return false;
  }
}

/** What only inherits from AbortSignal is none. */
function isSignal(given: unknown): given is AbortSignal {
  try {
    return given instanceof AbortSignal && typeof given.aborted === 'boolean';
  } catch {
    return false;
  }
}

function checkPrefix(argument: string, prefix: unknown): void {
  if (prefix !== '') checkKey(argument, prefix);
}

function copyOf(
  argument: string,
  given: Record<string, unknown>,
  known: readonly string[],
): Record<string, unknown> {
  const unknown = Object.keys(given).find((field) => !known.includes(field));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(
      `${argument}.${unknown} is not an option; known are ${known.join(', ')}. Nothing was sent.`,
    );
  }
  // One by one: an options object may answer by getters of its class, which a spread does not see.
  const present = known.filter((field) => field in given);
  return Object.fromEntries(present.map((field) => [field, given[field]]));
}

/** Looks into a foreign object. What a getter or a proxy throws there may tell a value, and is no error of ours. */
function look<T>(argument: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (isOurs(error)) throw error;
    throw new InvalidArgumentError(
      `${argument} could not be read: a getter or a proxy of it threw. Nothing was sent.`,
    );
  }
}

/** A lone surrogate has no UTF-8 form: two different keys would become one. */
function checkWellFormed(argument: string, text: string): void {
  if (!text.isWellFormed()) {
    throw new InvalidArgumentError(
      `${argument} must be well-formed Unicode, but holds a lone surrogate. Nothing was sent.`,
    );
  }
}

function refusal(argument: string, mustBe: string, butIs: string): InvalidArgumentError {
  return new InvalidArgumentError(`${argument} must be ${mustBe}, but is ${butIs}. Nothing was sent.`);
}

function kindOf(given: unknown): string {
  if (given === null) return 'null';
  if (given === '') return "''";
  if (isArray(given)) return 'an array';
  if (typeof given === 'undefined') return 'undefined';
  return `a ${typeof given}`.replace('a object', 'an object');
}
