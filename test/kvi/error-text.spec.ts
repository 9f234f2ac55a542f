import { describe, expect, it } from '@jest/globals';
import { UnavailableError } from '../../lib/index.js';
import { describeError, describeThrown } from '../../lib/kvi/error-text.js';

function thrownBy(call: () => unknown): Error {
  try {
    call();
  } catch (error) {
    return error as Error;
  }
  throw new Error('The call did not throw.');
}

describe('an error in a log line', () => {
  it('is told with its message when it is of this library', () => {
    const error = new UnavailableError('nobody answers');
    expect(describeError(error)).toBe('UnavailableError: nobody answers');
    expect(describeThrown(error)).toMatch(/^UnavailableError: nobody answers\n {4}at .*error-text\.spec\.ts/);
  });

  it('is told without its message when it comes from elsewhere', () => {
    const error = thrownBy(() => JSON.parse('my secret') as unknown);
    expect(error.message).toContain('secret');
    expect(describeError(error)).toBe(error.name);
    expect(describeThrown(error)).toMatch(new RegExp(`^${error.name}\n {4}at `));
    expect(describeThrown(error)).not.toContain('secret');
  });

  it.each([
    ['several lines', 'my secret\n    at home\nsecret'],
    ['none', ''],
  ])('keeps the frames behind a message of %s', (_title, message) => {
    const text = describeThrown(new TypeError(message));
    expect(text).toMatch(/^TypeError\n {4}at .*error-text\.spec\.ts/);
    expect(text).not.toMatch(/secret|home/);
  });

  it.each([
    ['its message is not in its stack any more', 'another', 'Error: my secret\n    at home'],
    ['its stack is of another form', 'my', 'Error: my secret'],
    ['it has no stack', 'my secret', undefined],
  ])('has no frames when %s', (_title, message, stack) => {
    expect(describeThrown(Object.assign(new Error(), { message, stack }))).toBe('Error');
  });

  it.each([
    ['a secret', 'string'],
    [undefined, 'undefined'],
    [{ secret: 1 }, 'object'],
  ])('is told by its type alone when it is %j', (thrown, type) => {
    expect(describeThrown(thrown)).toBe(`a ${type} that is no Error`);
  });

  it.each([
    ['a name that is no text', { name: Symbol('secret') }, 'an Error'],
    ['a name that is a text of any kind', { name: 'my secret' }, 'an Error'],
    ['a stack that is no text', { stack: 7 }, 'Error'],
    ['a message that is no text', { message: Symbol('secret') }, 'Error'],
  ])('is told although it has %s', (_title, fields, text) => {
    expect(describeThrown(Object.assign(new Error(), fields)).split('\n')[0]).toBe(text);
  });

  it('is told although it throws when it is looked at', () => {
    const { proxy, revoke } = Proxy.revocable(new Error('secret'), {});
    revoke();
    expect(describeThrown(proxy)).toBe('an error that cannot be read');
  });
});
