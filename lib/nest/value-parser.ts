import { types } from 'node:util';
import { describeError } from '../kvi/error-text.js';
import { ASYNC_PARSE, ISSUES, NO_JSON } from './hmetcd.messages.js';

/**
 * What makes a value of a key's text: a function of the text, or a Standard Schema of the JSON that the text is.
 *
 * @publicApi
 */
export type ValueParser<T> = ((text: string) => T) | StandardSchema<T>;

/**
 * As much of https://standardschema.dev as is needed: what zod, valibot, arktype and others offer.
 *
 * @publicApi
 */
export interface StandardSchema<T> {
  /** What the schema offers to others. */
  readonly '~standard': {
    /** Of the standard. */
    readonly version: 1;
    /** Who has made the schema. */
    readonly vendor: string;
    /** Answers the value that it makes of another, or what is wrong with that. */
    readonly validate: (value: unknown) => SchemaResult<T> | Promise<SchemaResult<T>>;
  };
}

type SchemaResult<T> =
  { readonly value: T; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] };

interface SchemaIssue {
  /** May quote the value, so that it is told to nobody. */
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** A value, or what is wrong with the text, without a word of the text. */
export type Parsed<T> = { readonly value: T } | { readonly problem: string };

export function parseValue<T>(parse: ValueParser<T>, text: string): Parsed<T> {
  try {
    // First, because a schema may be a function too.
    return isSchema(parse) ? validate(parse, text) : finished<T, T>(parse(text), (value) => ({ value }));
  } catch (error) {
    return { problem: describeError(error) };
  }
}

export function isSchema(given: unknown): given is StandardSchema<unknown> {
  try {
    const schema = given as Partial<StandardSchema<unknown>> | null | undefined;
    return typeof schema?.['~standard']?.validate === 'function';
  } catch {
    // It throws when it is looked at.
    return false;
  }
}

function validate<T>(schema: StandardSchema<T>, text: string): Parsed<T> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { problem: NO_JSON };
  }
  return finished<SchemaResult<T>, T>(schema['~standard'].validate(json), (result) =>
    result.issues === undefined
      ? { value: result.value }
      : { problem: ISSUES(result.issues.map(({ path = [] }) => path.map(nameOf).join('.'))) },
  );
}

/** One value would overtake another: a promise is refused. */
function finished<R, T>(result: R | Promise<R>, read: (result: R) => Parsed<T>): Parsed<T> {
  if (!isPromise(result)) return read(result);
  result.then(undefined, () => {});
  return { problem: ASYNC_PARSE };
}

function isPromise<R>(given: R | Promise<R>): given is Promise<R> {
  return types.isPromise(given);
}

function nameOf(segment: PropertyKey | { readonly key: PropertyKey }): string {
  return String(typeof segment === 'object' ? segment.key : segment);
}
