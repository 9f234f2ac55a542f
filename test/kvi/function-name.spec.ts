import { expect, it } from '@jest/globals';
import { functionName } from '../../lib/kvi/function-name.js';

const named = (descriptor: PropertyDescriptor) => Object.defineProperty(() => {}, 'name', descriptor);

it('is the name, where it is a text', () => {
  function work(): void {}
  expect(functionName(work)).toBe('work');
  expect(functionName(named({ value: Symbol('work') }))).toBe('');
  const throwing = (): never => {
    throw new Error('no name');
  };
  expect(functionName(named({ get: throwing }))).toBe('');
});
