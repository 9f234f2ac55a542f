import { compareBytes } from '../store/byte-order.js';
import { InvalidArgumentError } from '../store/errors.js';
import { DELETE, KeyChangeOp, PUT } from './key-change.js';
import { lockPrefix, RESERVED_PREFIX } from './keys.js';
import type { KeyRange, TransactionOperator } from './kvi.js';

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
  if (!(given instanceof AbortSignal)) throw refuse(argument, 'an AbortSignal', given);
}

/** Refuses a range that is malformed, not one that is empty because its start comes after its end. */
export function checkRange(argument: string, range: unknown): asserts range is KeyRange {
  if (typeof range === 'string') return checkKey(argument, range);
  if (!isRecord(range)) {
    throw refuse(argument, 'a key, { prefix } or { start, end }', range);
  }
  if ('prefix' in range) {
    checkKnownFields(argument, range, ['prefix']);
    checkValue(`${argument}.prefix`, range['prefix']);
    if (range['prefix'] !== '') checkKey(`${argument}.prefix`, range['prefix']);
    return;
  }
  checkKnownFields(argument, range, ['start', 'end']);
  checkKey(`${argument}.start`, range['start']);
  checkKey(`${argument}.end`, range['end']);
}

/** Reading a range whose start comes after its end finds nothing; watching one would wait for ever. */
export function refuseInverted(argument: string, range: KeyRange): void {
  if (typeof range === 'object' && 'start' in range && compareBytes(range.start, range.end) > 0) {
    throw new InvalidArgumentError(
      `${argument}.start must not come after ${argument}.end. Nothing was sent.`,
    );
  }
}

/** Checks the fields of an options object that are given, each by its own check. Unknown fields are refused by name. */
export function checkFields<T extends object>(
  argument: string,
  given: unknown,
  checks: { readonly [Field in keyof Required<T>]: (name: string, value: unknown) => void },
): asserts given is T {
  if (!isRecord(given)) throw refuse(argument, 'an object', given);
  checkKnownFields(argument, given, Object.keys(checks));
  for (const [field, check] of Object.entries<(name: string, value: unknown) => void>(checks)) {
    if (given[field] !== undefined) check(`${argument}.${field}`, given[field]);
  }
}

export function isRecord(given: unknown): given is Record<string, unknown> {
  return typeof given === 'object' && given !== null && !Array.isArray(given);
}

function checkKnownFields(argument: string, given: Record<string, unknown>, known: string[]): void {
  const unknown = Object.keys(given).find((field) => !known.includes(field));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(
      `${argument}.${unknown} is not an option; known are ${known.join(', ')}. Nothing was sent.`,
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
  if (Array.isArray(given)) return 'an array';
  if (typeof given === 'undefined') return 'undefined';
  return `a ${typeof given}`.replace('a object', 'an object');
}
