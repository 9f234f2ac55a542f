import { describe, expect, it } from '@jest/globals';
import { Lives, without } from './lives.js';

describe('what remains of a stretch of time', () => {
  it.each([
    ['nothing is taken away', [], [{ from: 10, to: 20 }]],
    [
      'something outside is',
      [
        { from: 0, to: 10 },
        { from: 20, to: 30 },
      ],
      [{ from: 10, to: 20 }],
    ],
    ['the beginning is', [{ from: 0, to: 12 }], [{ from: 12, to: 20 }]],
    [
      'the middle is',
      [{ from: 12, to: 15 }],
      [
        { from: 10, to: 12 },
        { from: 15, to: 20 },
      ],
    ],
    [
      'it is, piece by piece',
      [
        { from: 5, to: 15 },
        { from: 14, to: Infinity },
      ],
      [],
    ],
  ])('when %s', (_, taken, remains) => {
    expect(without({ from: 10, to: 20 }, taken)).toEqual(remains);
  });
});

describe('the life of a process', () => {
  const lives = new Lives([{ process: 'p', from: 0, to: 9000, pauses: [{ from: 2000, to: 3000 }] }]);

  it('has an end, or none that is known', () => {
    expect(lives.endOf('p')).toBe(9000);
    expect(lives.endOf('other')).toBe(Infinity);
  });

  it('is interrupted by pauses and the moment after them', () => {
    expect([1999, 2500, 3900, 4001].map((now) => lives.absentSince('p', now))).toEqual([
      1999, 2000, 2000, 4001,
    ]);
    expect(lives.absentSince('other', 2500)).toBe(2500);
  });
});
