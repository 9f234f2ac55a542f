import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Footprint } from '../../lib/store/footprint.js';
import { KeyOrder, type Place } from '../../lib/store/key-order.js';

type Keys = Pick<Footprint, 'writes' | 'compares'>;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Enters operations, and lets them leave in their turn. */
class Visitors {
  readonly order = new KeyOrder();
  readonly footprints: Keys[] = [];
  /** In the order of their turns. */
  readonly turns: number[] = [];
  readonly #places: Place[] = [];
  readonly #gone = new Set<number>();

  /** @param thenGoes leaves as soon as its turn comes */
  enter(footprint: Partial<Keys>, thenGoes = false): void {
    const visitor = this.footprints.length;
    const whole = { writes: [], compares: [], ...footprint };
    this.footprints.push(whole);
    let isIn = false;
    const place = this.order.enter(whole, () => {
      this.turns.push(visitor);
      if (thenGoes && isIn) this.leave(visitor);
    });
    this.#places.push(place);
    isIn = true;
  }

  leave(visitor: number): void {
    this.#gone.add(visitor);
    this.order.leave(this.#places[visitor]!);
  }

  isGone(visitor: number): boolean {
    return this.#gone.has(visitor);
  }

  /** Those whose turn it is, in the order of their coming. */
  get present(): number[] {
    return this.turns.filter((visitor) => !this.isGone(visitor)).sort((a, b) => a - b);
  }
}

function conflict(one: Keys, other: Keys): boolean {
  const touches = (key: string): boolean => other.writes.includes(key) || other.compares.includes(key);
  return one.writes.some(touches) || other.writes.some((key) => one.compares.includes(key));
}

/** Who may go, as it is defined: whoever meets nobody that came before and is still there. */
function expectedIn(visitors: Visitors): number[] {
  const { footprints } = visitors;
  const there = [...footprints.keys()].filter((visitor) => !visitors.isGone(visitor));
  return there.filter(
    (visitor) =>
      !there.some((before) => before < visitor && conflict(footprints[before]!, footprints[visitor]!)),
  );
}

describe('KeyOrder', () => {
  it('lets writers of one key go one after the other, in the order of their coming', () => {
    const visitors = new Visitors();
    for (let count = 0; count < 3; count++) visitors.enter({ writes: ['a'] });
    expect(visitors.turns).toEqual([0]);
    visitors.leave(0);
    expect(visitors.turns).toEqual([0, 1]);
    visitors.leave(1);
    expect(visitors.turns).toEqual([0, 1, 2]);
  });

  it('lets those that compare a key go at once, and its next writer after all of them', () => {
    const visitors = new Visitors();
    visitors.enter({ writes: ['a'] });
    visitors.enter({ compares: ['a'] });
    visitors.enter({ compares: ['a'] });
    visitors.enter({ writes: ['a'] });
    visitors.leave(0);
    expect(visitors.turns).toEqual([0, 1, 2]);
    visitors.leave(2);
    expect(visitors.turns).toEqual([0, 1, 2]);
    visitors.leave(1);
    expect(visitors.turns).toEqual([0, 1, 2, 3]);
  });

  it('does not let one wait for itself that names a key more than once', () => {
    const visitors = new Visitors();
    visitors.enter({ writes: ['a', 'a'], compares: ['a', 'a'] });
    visitors.enter({ writes: ['a', 'a'], compares: ['a'] });
    expect(visitors.turns).toEqual([0]);
    visitors.leave(0);
    expect(visitors.turns).toEqual([0, 1]);
  });

  it('lets one that meets nobody go past those that wait', () => {
    const visitors = new Visitors();
    visitors.enter({ writes: ['a'] });
    visitors.enter({ writes: ['a', 'b'] });
    visitors.enter({ writes: ['c'] });
    visitors.enter({ writes: ['b'] });
    expect(visitors.turns).toEqual([0, 2]);
  });

  it('takes any number that leave as soon as their turn comes', () => {
    const visitors = new Visitors();
    visitors.enter({ writes: ['a'] });
    for (let count = 0; count < 50_000; count++) visitors.enter({ writes: ['a'] }, true);
    visitors.leave(0);
    expect(visitors.present).toEqual([]);
    expect(visitors.turns).toHaveLength(50_001);
  });

  it('gives those and only those their turn who meet nobody that came before, whoever comes and goes', () => {
    const keys = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 3 });
    const coming = fc.record({ writes: keys, compares: keys });
    const steps = fc.array(
      fc.oneof(
        { weight: 3, arbitrary: coming.map((footprint) => ({ footprint })) },
        { weight: 2, arbitrary: fc.nat().map((leaver) => ({ leaver })) },
      ),
      { maxLength: 60, size: 'max' },
    );
    fc.assert(
      fc.property(steps, (all) => {
        const visitors = new Visitors();
        for (const step of all) {
          if ('footprint' in step) visitors.enter(step.footprint);
          else if (visitors.present.length > 0) {
            visitors.leave(visitors.present[step.leaver % visitors.present.length]!);
          }
          expect(visitors.present).toEqual(expectedIn(visitors));
        }
        while (visitors.present.length > 0) visitors.leave(visitors.present[0]!);
        expect(visitors.turns.toSorted((a, b) => a - b)).toEqual([...visitors.footprints.keys()]);
      }),
      { numRuns: 2000 },
    );
  });

  it('remembers nothing of those that have left', () => {
    const [order, name] = [new KeyOrder(), 'x'.repeat(500)];
    const visit = (count: number): void => {
      for (let at = 0; at < count; at++) {
        const footprint = { writes: [`${name}/w/${at}`], compares: [`${name}/c/${at}`, `${name}/w/${at}`] };
        const [first, second] = [order.enter(footprint, () => {}), order.enter(footprint, () => {})];
        order.leave(first);
        order.leave(second);
      }
    };
    visit(1000);
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    visit(50_000);
    collectGarbage();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(5_000_000);
  });
});
