import { describe, expect, it } from '@jest/globals';
import { Random } from '../../support/erratic-store.js';
import type { Operation } from './history.js';
import { checkLinearizability } from './linearizability.js';
import { list, type ListOperation } from './list.model.js';
import { mutex, type MutexOperation } from './mutex.model.js';
import { register, type RegisterOperation } from './register.model.js';
import {
  isLinearizable,
  listMachine,
  type Load,
  type Machine,
  registerMachine,
  simulate,
} from './support/simulated.js';
import { acquire, get, held, lost, operation, release, store } from './support/operations.js';

const BUDGET_MS = 20_000;

const checkRegister = (history: readonly Operation[]) =>
  checkLinearizability(history as RegisterOperation[], register, BUDGET_MS);
const checkList = (history: readonly Operation[]) =>
  checkLinearizability(history as ListOperation[], list, BUDGET_MS);

const FEW = ['a', 'b', 'c'];
const OPERATORS = ['=', '!=', '<', '>'] as const;

/** Few values that come again: what is told may mean several things. */
function anyOfFewValues(random: Random): Pick<Operation, 'op' | 'input'> {
  const value = () => random.pick(FEW);
  const transaction = () => ({
    operator: random.pick(OPERATORS),
    value: value(),
    thenValue: value(),
    ...(random.below(2) === 0 ? { elseValue: value() } : {}),
  });
  return random.pick<() => Pick<Operation, 'op' | 'input'>>([
    () => ({ op: 'get', input: null }),
    () => ({ op: 'get', input: null }),

    () => ({ op: 'delete', input: null }),
    () => ({ op: 'create', input: value() }),
    () => ({ op: 'tas', input: { test: value(), set: value() } }),
    () => ({ op: 'transaction', input: transaction() }),
  ])();
}

function anyOfList(random: Random, number: number): Pick<Operation, 'op' | 'input'> {
  return random.below(2) === 0 ? { op: 'read', input: null } : { op: 'append', input: String(number) };
}

/** Some answers are made up, some were never told, some are refusals. */
function distort(history: readonly Operation[], random: Random): Operation[] {
  return history.map((one) => {
    const chance = random.next();
    if (chance < 0.5) return { ...one, outcome: madeUp(one, history, random) } as Operation;
    if (chance < 0.55) return { ...one, outcome: undefined, returnedAt: undefined };
    return chance < 0.6 ? { ...one, outcome: 'not applied' } : one;
  });
}

function madeUp(one: Operation, history: readonly Operation[], random: Random): unknown {
  const { outcome } = one;
  if (typeof outcome !== 'object') return outcome;
  if (typeof outcome.ok === 'boolean') return { ok: !outcome.ok };
  return random.pick(history.filter(({ op }) => op === one.op)).outcome;
}

interface Tally {
  linearizable: number;
  not: number;
  readonly wrong: object[];
}

/** Holds the checker against the trial of every order. */
function compare<S>(
  count: number,
  machine: Machine<S>,
  next: Load['next'],
  check: (history: readonly Operation[]) => object,
): Tally {
  const tally: Tally = { linearizable: 0, not: 0, wrong: [] };
  for (let seed = 1; seed <= count; seed++) {
    const random = new Random(seed);
    const load = { operations: 4 + random.below(3), lanes: 1 + random.below(4), ambiguous: 0.3, next };
    const history = distort(simulate(machine, load, random), random);
    const expected = isLinearizable(history, machine);
    tally[expected ? 'linearizable' : 'not'] += 1;
    const found = check(history) as { violations: string[]; undecided: string[] };
    if (found.undecided.length > 0 || (found.violations.length === 0) !== expected)
      tally.wrong.push({ seed, expected, found, history });
  }
  return tally;
}

describe('the search for an order', () => {
  it('finds what the trial of every order finds, on 20,000 small histories of a register', () => {
    const tally = compare(20_000, registerMachine, anyOfFewValues, checkRegister);
    expect(tally.wrong.slice(0, 1)).toEqual([]);
    expect(Math.min(tally.linearizable, tally.not)).toBeGreaterThan(4_000);
  });

  it('and on 5,000 of a list', () => {
    const tally = compare(5_000, listMachine, anyOfList, checkList);
    expect(tally.wrong.slice(0, 1)).toEqual([]);
    expect(Math.min(tally.linearizable, tally.not)).toBeGreaterThan(300);
  });
});

const FINE = { violations: [], undecided: [] };

describe('a register', () => {
  it.each<[string, Operation[]]>([
    ['one after the other', [get(null, [1, 2]), store('a', [3, 4]), get('a', [5, 6])]],
    ['a read beside a write, before it', [store('a', [1, 10]), get(null, [2, 3]), get('a', [4, 5])]],
    ['a deletion', [store('a', [1, 2]), operation('delete', null, [3, 4], { ok: null }), get(null, [5, 6])]],
    [
      'a write of which nobody was told, long after its client was gone',
      [store('a', [1, 2]), store('b', [3], 'unknown'), get('a', [10, 11]), get('b', [20, 21])],
    ],
    ['one that never took place', [store('a', [1, 2]), store('b', [3], 'unknown'), get('a', [10, 11])]],
    ['a refused write', [store('a', [1, 2]), store('b', [3, 4], 'not applied'), get('a', [5, 6])]],
    [
      'a test that fails for an ambiguous write that nobody has read',
      [
        store('a', [1, 2]),
        store('b', [3], 'unknown'),
        operation('tas', { test: 'a', set: 'c' }, [5, 6], { ok: false }),
      ],
    ],
    [
      'two ambiguous writes, the second of which needs the first',
      [
        store('a', [1], 'unknown'),
        operation('tas', { test: 'a', set: 'b' }, [2], 'unknown'),
        get('b', [5, 6]),
      ],
    ],
    [
      'what can be reached with an ambiguous deletion too early, and with it in time',
      [
        operation('create', 'c', [1, 7], { ok: true }),
        store('b', [2, 4]),
        operation('delete', null, [3], 'unknown'),
        store('c', [5, 8]),
        operation('tas', { test: 'c', set: 'b' }, [13, 21], { ok: false }),
        operation('create', 'a', [14], 'unknown'),
      ],
    ],
    ['keys that know nothing of each other', [store('a', [1, 2]), get(null, [3, 4], { key: 'other' })]],
  ])('may have seen %s', (_, history) => {
    expect(checkRegister(history)).toEqual(FINE);
  });

  it.each<[string, RegExp, Operation[]]>([
    ['a value that nobody wrote', /^k: Nothing leads to "b":\n.*get\(k\) → "b"/, [get('b', [1, 2])]],
    ['a value before it was written', /Nothing leads to "a" in time/, [get('a', [1, 2]), store('a', [3, 4])]],
    ['what was refused', /Nothing leads to "b"/, [store('b', [1, 2], 'not applied'), get('b', [5, 6])]],
    [
      'a stale value',
      /"a" must last[^]*store\(k, "b"\)[^]*get\(k\) → "a"/,
      [store('a', [1, 2]), store('b', [3, 4]), get('a', [5, 6])],
    ],
    [
      'a value that comes back, as of a write that was sent twice',
      /"a" must last/,
      [store('a', [1, 9]), get('a', [2, 3]), store('b', [4, 5]), get('b', [6, 7]), get('a', [10, 11])],
    ],
    ['nothing after a write', /neither\n.*get\(k\) → null/, [store('a', [1, 2]), get(null, [3, 4])]],
    [
      'two that have found one value and replaced it',
      /only one of these/,
      [
        store('a', [1, 2]),
        operation('tas', { test: 'a', set: 'b' }, [3, 10], { ok: true }),
        operation('tas', { test: 'a', set: 'c' }, [4, 10], { ok: true }),
      ],
    ],
    [
      'two that have created it',
      /neither/,
      [operation('create', 'a', [3, 10], { ok: true }), operation('create', 'b', [4, 10], { ok: true })],
    ],
    [
      'a test that fails although the value was there all the time',
      /neither/,
      [store('a', [1, 2]), operation('tas', { test: 'a', set: 'b' }, [3, 4], { ok: false })],
    ],
    [
      'values that come again, in an order in which they cannot',
      /neither/,
      [store('a', [1, 2]), store('b', [3, 4]), store('a', [5, 6]), get('b', [7, 8]), store('b', [9, 10])],
    ],
    [
      'an order by UTF-16',
      /neither/,
      [
        store('\u{1f600}', [1, 2]),
        operation('transaction', { operator: '<', value: '\uffff', thenValue: 'x' }, [3, 4], { ok: true }),
      ],
    ],
  ])('cannot have shown %s', (_, words, history) => {
    const { violations, undecided } = checkRegister(history);
    expect(violations).toEqual([expect.stringMatching(words)]);
    expect(undecided).toEqual([]);
  });

  it('tells how far an order could be found, and what then could not be next', () => {
    const history = [
      store('a', [1, 2]),
      store('b', [3, 4]),
      store('a', [5, 6]),
      store('c', [7], 'unknown'),
      get('b', [8, 9]),
      get('a', [8, 20]),
    ];
    expect(checkRegister([...history, store('b', [21, 22])]).violations).toEqual([
      [
        'k: 3 of 6 operations can be put in order, but then, at "a", neither',
        '  8.000–9.000 get(k) → "b" [get@8 of p8.1]',
        'can be next, nor is there a way to it by those begun before its return:',
        '  8.000–20.000 get(k) → "a" [get@8 of p8.1]',
        'The last before it:',
        '  1.000–2.000 store(k, "a") → null [store@1 of p1.1], which leaves "a"',
        '  3.000–4.000 store(k, "b") → null [store@3 of p3.1], which leaves "b"',
        '  5.000–6.000 store(k, "a") → null [store@5 of p5.1], which leaves "a"',
      ].join('\n'),
    ]);
  });
});

describe('a list', () => {
  const append = (
    item: string,
    at: readonly [number, number?],
    outcome: 'unknown' | { ok: null } = { ok: null },
  ) => operation('append', item, at, outcome);
  const read = (ok: string[], at: readonly [number, number]) => operation('read', null, at, { ok });

  it('may hold what nobody was told of, once, at its place', () => {
    expect(
      checkList([
        read([], [1, 2]),
        append('a', [3, 4]),
        append('b', [5], 'unknown'),
        append('c', [6, 7]),
        append('d', [8], 'unknown'),
        read(['a', 'c', 'b'], [20, 21]),
        append('e', [22, 23]),
      ]),
    ).toEqual(FINE);
  });

  it.each<[string, RegExp, Operation[]]>([
    ['lost an item', /which nobody else saw/, [read(['a', 'b'], [5, 6]), read(['b'], [7, 8])]],
    ['changed its order', /nobody else saw/, [read(['a', 'b'], [5, 6]), read(['b', 'a'], [7, 8])]],
    ['taken an item twice', /Nothing leads to 2/, [read(['a', 'a'], [5, 6])]],
    ['shown less than before', /1 must last/, [read(['a', 'b'], [5, 6]), read(['a'], [7, 8])]],
    [
      'left out an item that was acknowledged',
      /2 must last/,
      [append('c', [3, 4]), read(['a', 'b'], [5, 6])],
    ],
  ])('cannot have %s', (_, words, history) => {
    const appends = [append('a', [1, 2]), append('b', [1, 2])];
    expect(checkList([...appends, ...history]).violations).toEqual([expect.stringMatching(words)]);
  });
});

describe('a mutex', () => {
  const checkMutex = (history: readonly Operation[]) =>
    checkLinearizability(history as MutexOperation[], mutex, BUDGET_MS);

  it('goes from hand to hand, by a release, a loss, or an end of which nobody was told', () => {
    expect(
      checkMutex([
        acquire(5, [1, 3]),
        held(5, [4, 4]),
        release(5, [5, 8]),
        acquire(7, [2, 6]),
        lost(7, 9),
        held(7, [8, 8]),
        acquire(9, [3, 10]),
        operation('lost', 9, [11], 'unknown'),
        acquire(12, [4, 20]),
        operation('release', 12, [21], 'unknown'),
        operation('acquire', null, [22], 'unknown'),
        acquire(15, [22, 23]),
      ]),
    ).toEqual(FINE);
  });

  it.each<[string, Operation[]]>([
    ['two at once', [acquire(5, [1, 2]), acquire(6, [3, 4]), release(5, [5, 6])]],
    ['another before the holder was told', [acquire(5, [1, 2]), acquire(6, [3, 4]), lost(5, 5)]],
    ['a smaller token', [acquire(6, [1, 2]), release(6, [3, 4]), acquire(5, [5, 6])]],
    ['a token twice', [acquire(6, [1, 2]), release(6, [3, 4]), acquire(6, [5, 6])]],
    [
      'one who says after the next grant that he holds it',
      [acquire(5, [1, 2]), operation('lost', 5, [2, 9], { ok: null }), acquire(6, [3, 4]), held(5, [5, 5])],
    ],
    ['a release that succeeds after a loss', [acquire(5, [1, 2]), lost(5, 3), release(5, [4, 5])]],
  ])('does not know %s', (_, history) => {
    const { violations, undecided } = checkMutex(history);
    expect({ count: violations.length, undecided }).toEqual({ count: 1, undecided: [] });
  });
});

describe('a long history', () => {
  const LOAD: Load = { operations: 3_000, lanes: 30, ambiguous: 0.05, next: anyOfManyValues };
  const keys = Array.from({ length: 10 }, (_, number) => `key-${number}`);

  /** Values of their own, as clients that want to be checked write them. */
  function anyOfManyValues(random: Random, number: number): Pick<Operation, 'op' | 'input'> {
    const recent = `${number - random.below(40)}`;
    const branches = { value: recent, thenValue: `${number}`, elseValue: `${number} else` };
    return random.pick<Pick<Operation, 'op' | 'input'>>([
      { op: 'get', input: null },
      { op: 'get', input: null },
      { op: 'get', input: null },
      { op: 'store', input: `${number}` },
      { op: 'store', input: `${number}` },
      { op: 'delete', input: null },
      { op: 'create', input: `${number}` },
      { op: 'tas', input: { test: recent, set: `${number}` } },
      { op: 'tas', input: { test: recent, set: `${number}` } },
      { op: 'transaction', input: { operator: random.pick(['=', '!=']), ...branches } },
    ]);
  }

  it('of 30,000 operations, 30 at a time on each of 10 keys, 1 of 20 ambiguous, is decided', () => {
    const random = new Random(1);
    const history = keys.flatMap((key) => simulate(registerMachine, LOAD, random, key));
    expect(checkRegister(history)).toEqual(FINE);
  });

  it('with one stale answer is told by that answer', () => {
    const history = simulate(registerMachine, LOAD, new Random(2));
    const reads = history.filter((one) => one.op === 'get' && JSON.stringify(one.outcome).includes('"ok":"'));
    const [stale, fresh] = [reads[50]!, reads[150]!];
    const { violations } = checkRegister(
      history.map((one) => (one === fresh ? ({ ...one, outcome: stale.outcome } as Operation) : one)),
    );
    expect(violations).toEqual([expect.stringContaining(`[${fresh.id} of `)]);
  });

  it('that cannot be decided in time is undecided, which is not fine', () => {
    const history = simulate(registerMachine, LOAD, new Random(3), 'hard');
    expect(checkLinearizability(history as RegisterOperation[], register, 0)).toEqual({
      violations: [],
      undecided: ['hard'],
    });
  });
});
