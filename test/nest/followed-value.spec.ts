import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { DELETE, InvalidArgumentError, type KeyChange, PUT, type ViewListener } from '../../lib/index.js';
import { FollowedValue } from '../../lib/nest/followed-value.js';
import type { FromKeyMetadata } from '../../lib/nest/from-key.metadata-accessor.js';
import {
  DEFAULT_USED,
  ISSUES,
  KEY_DELETED,
  NO_VALUE,
  VALUE_LISTENER_THREW,
  VALUE_REFUSED,
} from '../../lib/nest/hmetcd.messages.js';
import type { ValueView } from '../../lib/nest/live-value.js';
import { RecordingLogger } from '../support/recording-logger.js';

/** A view of one key that a test changes by hand. */
class PlayedView implements ValueView {
  isCurrent = true;
  staleSince: Date | undefined;
  readonly #listeners = new Set<ViewListener>();
  #text: string | undefined;

  constructor(text?: string) {
    this.#text = text;
  }

  get(): string | undefined {
    return this.#text;
  }

  onChange(listener: ViewListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  put(value: string): void {
    this.#tell({ key: 'key', revision: 1, op: PUT, value });
  }

  delete(): void {
    this.#tell({ key: 'key', revision: 1, op: DELETE, value: undefined });
  }

  #tell(change: KeyChange): void {
    this.#text = change.value;
    for (const listener of this.#listeners) listener(change);
  }
}

const positive = z.number().positive();

function follow(view: PlayedView, options: Partial<FromKeyMetadata> = {}) {
  const logger = new RecordingLogger();
  const mark = {
    token: Symbol('token'),
    owner: 'Service.field',
    key: 'key',
    parse: positive,
    fallback: undefined,
    connection: undefined,
    ...options,
  };
  const value = new FollowedValue(mark, view, logger);
  const seen: [unknown, unknown][] = [];
  const stop = value.onChange((now, before) => seen.push([now, before]));
  return { value, logger, seen, stop };
}

const withDefault = { fallback: { value: 7 } };
const refused = (problem: string) => VALUE_REFUSED('key', 'Service.field', problem);

describe('the first value', () => {
  it('is the one of the key', () => {
    expect(follow(new PlayedView('5'), withDefault).value.value).toBe(5);
  });

  it('is the default where there is no key', () => {
    const { value, logger } = follow(new PlayedView(), withDefault);
    expect([value.value, logger.lines]).toEqual([7, []]);
  });

  it('is the default where the key has no good one, which is logged', () => {
    const { value, logger } = follow(new PlayedView('-5'), withDefault);
    expect(value.value).toBe(7);
    expect(logger.at('error')).toEqual([DEFAULT_USED('key', 'Service.field', ISSUES(['']))]);
  });

  it.each([undefined, null, 0, ''])('is the default also where that is %p', (value) => {
    expect(follow(new PlayedView(), { fallback: { value } }).value.value).toBe(value);
  });

  it.each<[string, string | undefined, string | undefined]>([
    ['no key', undefined, undefined],
    ['no good value', '-5', ISSUES([''])],
  ])('must be there: %s', (_title, text, problem) => {
    const opening = (): unknown => follow(new PlayedView(text));
    expect(opening).toThrow(InvalidArgumentError);
    expect(opening).toThrow(NO_VALUE('key', 'Service.field', problem));
    expect(NO_VALUE('key', 'Service.field', problem)).toMatch(/'key'.*Service\.field/);
  });

  it('is read anew by nobody when a listener is added', () => {
    expect(follow(new PlayedView('5')).seen).toEqual([]);
  });
});

describe('a new value', () => {
  it('is told with the one before', () => {
    const view = new PlayedView('5');
    const { value, seen } = follow(view);
    view.put('6');
    view.put('8');
    expect(value.value).toBe(8);
    expect(seen).toEqual([
      [6, 5],
      [8, 6],
    ]);
  });

  it('is there already when it is told', () => {
    const view = new PlayedView('5');
    const { value } = follow(view);
    let atCall: unknown;
    value.onChange(() => (atCall = value.value));
    view.put('6');
    expect(atCall).toBe(6);
  });

  it('of the same text is the same object, and not told', () => {
    const view = new PlayedView('{}');
    const { value, seen } = follow(view, { parse: (text) => JSON.parse(text) as unknown });
    const { value: before } = value;
    view.put('{}');
    expect(value.value).toBe(before);
    expect(seen).toEqual([]);
  });

  it('that is not good is logged without its text, and the one before stays', () => {
    const view = new PlayedView('5');
    const { value, logger, seen } = follow(view);
    view.put('"a secret"');
    view.put('a secret');
    expect([value.value, seen]).toEqual([5, []]);
    expect(logger.at('error')[0]).toBe(refused(ISSUES([''])));
    expect(logger.at('error')).toHaveLength(2);
    expect(logger.lines.filter(({ message }) => message.includes('secret'))).toEqual([]);
  });

  it('after one that is not good is told with the last good one', () => {
    const view = new PlayedView('5');
    const { seen } = follow(view);
    view.put('-1');
    view.put('5');
    view.put('-1');
    view.put('6');
    expect(seen).toEqual([[6, 5]]);
  });
});

describe('a deletion', () => {
  it('goes back to the default', () => {
    const view = new PlayedView('5');
    const { value, logger, seen } = follow(view, withDefault);
    view.delete();
    view.delete();
    expect(value.value).toBe(7);
    expect([seen, logger.lines]).toEqual([[[7, 5]], []]);
    view.put('6');
    expect(seen.at(-1)).toEqual([6, 7]);
  });

  it('keeps the last value where there is no default, and says so', () => {
    const view = new PlayedView('5');
    const { value, logger, seen } = follow(view);
    view.delete();
    expect([value.value, seen]).toEqual([5, []]);
    expect(logger.lines).toEqual([{ level: 'warn', message: KEY_DELETED('key', 'Service.field') }]);
    view.put('6');
    expect(seen).toEqual([[6, 5]]);
  });
});

describe('a listener', () => {
  it('is not called after its end, and one that was added twice ends once for each', () => {
    const view = new PlayedView('5');
    const { value } = follow(view);
    const seen: unknown[] = [];
    const listener = (now: unknown): unknown => seen.push(now);
    const [stop] = [value.onChange(listener), value.onChange(listener)];
    view.put('6');
    stop();
    view.put('8');
    expect(seen).toEqual([6, 6, 8]);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new TypeError('a secret');
      },
    ],
    ['rejects', () => Promise.reject(new TypeError('a secret'))],
  ])('that %s is logged, and the others are called', async (_title, fail) => {
    const view = new PlayedView('5');
    const { value, logger } = follow(view);
    const seen: unknown[] = [];
    value.onChange(fail);
    value.onChange((now) => seen.push(now));
    view.put('6');
    view.put('8');
    expect(seen).toEqual([6, 8]);
    const line = await logger.line('error', /listener/);
    expect(line).toContain(VALUE_LISTENER_THREW('key', 'TypeError'));
    expect(line).not.toContain('secret');
  });

  it('must be a function', () => {
    const { value } = follow(new PlayedView('5'));
    expect(() => value.onChange('listener' as never)).toThrow(/^listener must be a function/);
  });
});

describe('a followed value', () => {
  it('is as current as its view', () => {
    const view = new PlayedView('5');
    const { value } = follow(view);
    expect([value.key, value.isCurrent, value.staleSince]).toEqual(['key', true, undefined]);
    view.isCurrent = false;
    view.staleSince = new Date();
    expect([value.isCurrent, value.staleSince]).toEqual([false, view.staleSince]);
  });

  it('of a map, as a mock may give one, is current for ever', async () => {
    const mark = { token: Symbol('t'), owner: 'Service', key: 'key', parse: positive, fallback: undefined };
    const map = new Map([['key', '5']]);
    const value = new FollowedValue({ ...mark, connection: undefined }, map, new RecordingLogger());
    await value.sync();
    expect([value.value, value.isCurrent, value.staleSince]).toEqual([5, true, undefined]);
  });
});
