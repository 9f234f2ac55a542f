import { describe, expect, it } from '@jest/globals';
import { inWords, isAmbiguous, isAnswered, processOf, readHistory } from './history.js';

const begun = (id: string, invokedAt: number) => ({
  id,
  client: 'p1.2',
  op: 'store',
  key: 'k',
  input: 'v',
  invokedAt,
});
const ended = (id: string, outcome: unknown) => ({ id, returnedAt: 99, outcome });
const journal = (...lines: object[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join('');

describe('readHistory', () => {
  it('joins the two lines of an operation, in order of invocation, from all journals', () => {
    const history = readHistory(
      journal(begun('a', 2), begun('b', 3), ended('b', { ok: null }), ended('a', 'unknown')),
      journal(begun('c', 1)),
    );
    expect(history).toEqual([
      begun('c', 1),
      { ...begun('a', 2), ...ended('a', 'unknown') },
      { ...begun('b', 3), ...ended('b', { ok: null }) },
    ]);
  });

  it('knows an answer from an ambiguous end and from a refusal', () => {
    const history = readHistory(
      journal(
        begun('answered', 1),
        ended('answered', { ok: null }),
        begun('unknown', 2),
        ended('unknown', 'unknown'),
        begun('never told', 3),
        begun('not applied', 4),
        ended('not applied', 'not applied'),
      ),
    );
    expect(history.filter(isAnswered).map(({ id }) => id)).toEqual(['answered']);
    expect(history.filter(isAmbiguous).map(({ id }) => id)).toEqual(['unknown', 'never told']);
  });

  it('leaves out a line that the death of its process has cut', () => {
    const cut = journal(begun('a', 1), ended('a', { ok: null })).slice(0, -5);
    expect(readHistory(cut)).toEqual([begun('a', 1)]);
    expect(readHistory(journal(begun('a', 1)).slice(0, -1))).toEqual([]);
  });

  it('refuses what no process can have written', () => {
    expect(() => readHistory(journal(begun('a', 1)), journal(begun('a', 2)))).toThrow('a was begun twice');
    expect(() => readHistory(journal(ended('a', 'unknown')))).toThrow('a has ended, but was not begun');
    expect(() => readHistory('{"id":\n')).toThrow(SyntaxError);
  });
});

it('an operation in words has what was asked, what was told and who asked', () => {
  const [told, untold] = readHistory(journal(begun('a', 1), ended('a', { ok: null }), begun('b', 2)));
  expect(inWords(told!)).toBe('store(k, "v") → null [a of p1.2]');
  expect(inWords(untold!)).toBe('store(k, "v") → never told [b of p1.2]');
});

it('the name of a process may have dots', () => {
  expect(processOf({ client: 'host.7.3' })).toBe('host.7');
});
