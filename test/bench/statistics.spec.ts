import { describe, expect, it } from '@jest/globals';
import { median, outcome, ratios, spread } from './statistics.mjs';

describe('median', () => {
  it('is the middle one in order of size, not of text or of coming', () => {
    expect(median([100, 9, 20])).toBe(20);
  });

  it('is the mean of the two in the middle of an even number', () => {
    expect(median([4, 1, 10, 2])).toBe(3);
  });

  it('leaves the order of the rounds as it is', () => {
    const rounds = [3, 1, 2];
    median(rounds);
    expect(rounds).toEqual([3, 1, 2]);
  });
});

describe('spread', () => {
  it('tells the least and the most beside the median', () => {
    expect(spread([5, 1, 30])).toEqual({ median: 5, min: 1, max: 30 });
  });
});

describe('ratios', () => {
  it('are taken round by round: noise that hits both sides of a round is not in them', () => {
    expect(ratios([100, 10, 60], [50, 5, 20])).toEqual({ median: 2, min: 2, max: 3 });
  });
});

describe('the outcome of a target', () => {
  const figures = { ours: [30, 28, 10], etcd3: [10, 7, 10] };

  it('is a ratio where it is against somebody, and met by the median', () => {
    const got = { median: 3, min: 1, max: 4 };
    expect(outcome({ against: 'etcd3', atLeast: 3 }, figures, 'ours')).toEqual({ got, isMet: true });
    expect(outcome({ against: 'etcd3', atLeast: 3.1 }, figures, 'ours')).toEqual({ got, isMet: false });
  });

  it('is met from below where less is better', () => {
    expect(outcome({ against: 'etcd3', atMost: 3 }, figures, 'ours').isMet).toBe(true);
    expect(outcome({ against: 'etcd3', atMost: 2.9 }, figures, 'ours').isMet).toBe(false);
  });

  it('is the figure itself where it is against nobody', () => {
    const got = { median: 28, min: 10, max: 30 };
    expect(outcome({ atLeast: 28 }, figures, 'ours')).toEqual({ got, isMet: true });
    expect(outcome({ atMost: 27 }, figures, 'ours')).toEqual({ got, isMet: false });
  });
});
