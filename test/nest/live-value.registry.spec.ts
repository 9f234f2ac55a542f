import { describe, expect, it, jest } from '@jest/globals';
import { InvalidArgumentError, type KviService } from '../../lib/index.js';
import type { Connection } from '../../lib/nest/connection.settings.js';
import type { FromKeyMetadata } from '../../lib/nest/from-key.metadata-accessor.js';
import { LiveValueRegistry } from '../../lib/nest/live-value.registry.js';
import { RecordingLogger } from '../support/recording-logger.js';

const parse = (text: string): string => text;

const mark = (fields: Partial<FromKeyMetadata> = {}): FromKeyMetadata => ({
  token: Symbol('token'),
  owner: 'Service',
  key: 'key',
  parse,
  fallback: undefined,
  connection: undefined,
  ...fields,
});

/** A registry over a connection that answers these maps in turns. */
function registryOver(...maps: Map<string, string>[]) {
  const close = jest.fn();
  const observe = jest.fn(async (_key: unknown) => Object.assign(maps.shift() ?? new Map(), { close }));
  const connection = { settings: { logger: new RecordingLogger() } };
  const registry = new LiveValueRegistry(
    { observe } as unknown as Partial<KviService>,
    connection as unknown as Connection,
  );
  return { registry, observe, close };
}

const stored = (): Map<string, string> => new Map([['key', 'value']]);

describe('the values of a connection', () => {
  it('are opened once for all who want the same, also at the same time', async () => {
    const { registry, observe } = registryOver(stored(), stored());
    const [one, two] = await Promise.all([registry.open(mark()), registry.open(mark())]);
    expect(two).toBe(one);
    expect(await registry.open(mark({ owner: 'Other' }))).toBe(one);
    expect(observe.mock.calls).toEqual([['key']]);
  });

  it.each<[string, Partial<FromKeyMetadata>]>([
    ['another key', { key: 'other', fallback: { value: 'x' } }],
    ['another parse', { parse: (text) => text }],
    ['a default', { fallback: { value: 'x' } }],
    ['a default that is undefined', { fallback: { value: undefined } }],
  ])('are apart for %s', async (_title, fields) => {
    const { registry, observe } = registryOver(stored(), stored());
    expect(await registry.open(mark(fields))).not.toBe(await registry.open(mark()));
    expect(observe).toHaveBeenCalledTimes(2);
  });

  it('that were not there are asked for again, and leave no view open', async () => {
    const { registry, close } = registryOver(new Map(), stored());
    await expect(registry.open(mark())).rejects.toThrow(InvalidArgumentError);
    expect(close).toHaveBeenCalledTimes(1);
    expect((await registry.open(mark())).value).toBe('value');
    expect(close).toHaveBeenCalledTimes(1);
  });
});
