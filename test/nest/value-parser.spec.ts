import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { ASYNC_PARSE, ISSUES, NO_JSON } from '../../lib/nest/hmetcd.messages.js';
import { parseValue, type ValueParser } from '../../lib/nest/value-parser.js';
import { UnavailableError } from '../../lib/index.js';

const raise = (error: unknown) => (): never => {
  throw error;
};

describe('a function as parse', () => {
  it('gets the text', () => {
    expect(parseValue((text) => [text], '{"a": 1}')).toEqual({ value: ['{"a": 1}'] });
  });

  it.each<[string, unknown, string]>([
    ['one of JSON.parse, by its name', new SyntaxError('a secret'), 'SyntaxError'],
    ['one of this library, with its message', new UnavailableError('nobody'), 'UnavailableError: nobody'],
    ['what is no Error', 'a secret', 'a string that is no Error'],
  ])('may throw: %s', (_title, error, problem) => {
    expect(parseValue(raise(error), 'text')).toEqual({ problem });
  });

  it('may answer undefined, which is a value', () => {
    expect(parseValue(() => undefined, 'text')).toEqual({ value: undefined });
  });

  it.each([Promise.resolve(1), Promise.reject(new Error('as expected'))])(
    'must not answer a promise',
    (promise) => {
      expect(parseValue(() => promise, 'text')).toEqual({ problem: ASYNC_PARSE });
    },
  );
});

describe('a Standard Schema as parse', () => {
  const limits = z.object({ cpu: z.number(), nodes: z.array(z.object({ name: z.string() })) });

  it.each<[string, ValueParser<unknown>, string, unknown]>([
    ['an object', limits, '{"cpu": 1, "nodes": [{"name": "x"}]}', { cpu: 1, nodes: [{ name: 'x' }] }],
    ['what the schema makes of it', limits.transform(({ cpu }) => cpu), '{"cpu": 1, "nodes": []}', 1],
    ['z.coerce.number()', z.coerce.number(), '5', 5],
    ['a number as it is', z.number(), '5', 5],
    ['a text as JSON', z.string(), '"text"', 'text'],
  ])('gets the text as JSON: %s', (_title, schema, text, value) => {
    expect(parseValue(schema, text)).toEqual({ value });
  });

  it('may be a function that is a schema too', () => {
    const schema = Object.assign(() => 'called', { '~standard': z.number()['~standard'] });
    expect(parseValue<unknown>(schema, '5')).toEqual({ value: 5 });
  });

  it.each(['', 'text', '{"cpu":'])('refuses what is no JSON: %j', (text) => {
    expect(parseValue(z.any(), text)).toEqual({ problem: NO_JSON });
  });

  it('tells the paths of what it refuses, and no value', () => {
    const text = JSON.stringify({ cpu: 'a secret', nodes: [{ name: 'x' }, { name: 7777 }] });
    expect(parseValue(limits, text)).toEqual({ problem: ISSUES(['cpu', 'nodes.1.name']) });
    expect(ISSUES(['cpu', 'nodes.1.name'])).toContain('cpu, nodes.1.name');
  });

  it('tells a refusal of the whole, and only some of many', () => {
    expect(parseValue(limits, '"a secret"')).toEqual({ problem: 'the schema refused the whole of it' });
    const { problem } = parseValue(z.array(z.number()), JSON.stringify(Array(100).fill('x'))) as {
      problem: string;
    };
    expect(problem).toMatch(/^the schema refused 0, 1, .*, 9 and more$/);
  });

  it('takes segments of a path as objects, and issues without one', () => {
    const schema = (issues: { message: string; path?: (string | { key: string })[] }[]) => ({
      '~standard': { version: 1 as const, vendor: 'test', validate: () => ({ issues }) },
    });
    expect(parseValue(schema([{ message: '', path: ['a', { key: 'b' }] }]), '1')).toEqual({
      problem: ISSUES(['a.b']),
    });
    expect(parseValue(schema([{ message: 'a secret' }]), '1')).toEqual({ problem: ISSUES(['']) });
  });

  it('must answer at once', () => {
    const schema = z.number().refine(() => Promise.resolve(true));
    expect(parseValue(schema, '5')).toEqual({ problem: ASYNC_PARSE });
  });
});
