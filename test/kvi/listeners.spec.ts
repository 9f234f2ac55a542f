import { beforeEach, describe, expect, it } from '@jest/globals';
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { Listeners } from '../../lib/kvi/listeners.js';
import { InvalidArgumentError } from '../../lib/store/errors.js';

describe('listeners', () => {
  let thrown: unknown[];
  let told: string[];
  let listeners: Listeners<[what: string, number: number]>;
  const listener = (what: string, number: number): unknown => told.push(`${what} ${number}`);
  beforeEach(() => {
    [thrown, told] = [[], []];
    listeners = new Listeners((error) => thrown.push(error));
  });

  it('are told each message in order, each as often as it was added, and not after it was taken away', () => {
    const [first, second] = [listeners.add(listener), listeners.add(listener)];
    listeners.tell([['a', 1]]);
    first();
    first();
    listeners.tell([
      ['b', 2],
      ['c', 3],
    ]);
    second();
    listeners.tell([['d', 4]]);
    expect(told).toEqual(['a 1', 'a 1', 'b 2', 'c 3']);
  });

  it('do not disturb each other by what they throw or reject with', async () => {
    const [error, rejection] = [new Error('thrown'), new Error('rejected')];
    listeners.add(() => {
      throw error;
    });
    listeners.add(() => Promise.reject(rejection));
    listeners.add(listener);
    listeners.tell([['a', 1]]);
    await eventLoopTurn();
    expect(told).toEqual(['a 1']);
    expect(thrown).toEqual([error, rejection]);
  });

  it('may add themselves again while they are told, without end and without hearing it twice', () => {
    const again = (): void => {
      told.push('told');
      if (told.length < 10) listeners.add(again);
    };
    listeners.add(again);
    listeners.tell([['a', 1]]);
    expect(told).toEqual(['told']);
  });

  it('are told nothing more from the moment on in which one of them ends it for all', () => {
    listeners.add(() => listeners.clear());
    listeners.add(listener);
    listeners.tell([
      ['a', 1],
      ['b', 2],
    ]);
    expect(told).toEqual([]);
  });

  it('are functions', () => {
    expect(() => listeners.add(undefined as never)).toThrow(InvalidArgumentError);
    expect(() => listeners.add({} as never)).toThrow(/^listener /);
  });
});
