import { beforeEach, describe, expect, it } from '@jest/globals';
import { CompactedError } from '../../../lib/store/errors.js';
import { Subscription, type SubscriptionHost } from '../../../lib/store/etcd/subscription.js';
import type { WatchResponse } from '../../../lib/store/store.js';

const MEGABYTE = 'v'.repeat(1024 * 1024);

function change(...revisions: number[]): WatchResponse {
  const events = revisions.map((modRevision) => {
    const kv = { key: 'a', value: '', createRevision: 2, modRevision, version: 1, lease: '' };
    return { type: 'put' as const, kv, previous: undefined };
  });
  return { revision: revisions.at(-1)!, events };
}

function large(revision: number): WatchResponse {
  const response = change(revision);
  return {
    revision,
    events: response.events.map((event) => ({ ...event, kv: { ...event.kv, value: MEGABYTE } })),
  };
}

const progress = (revision: number): WatchResponse => ({ revision, events: [] });

class FakeHost implements SubscriptionHost {
  readonly endpoint = 'http://fake:2379';
  readonly asked: string[] = [];

  attach({ position }: Subscription): void {
    this.asked.push(`attach after ${position}`);
  }

  detach(): void {
    this.asked.push('detach');
  }

  ended(): void {
    this.asked.push('ended');
  }

  requestProgress(): void {
    this.asked.push('progress');
  }

  cutOff: number | undefined;

  cutOffMs(): number | undefined {
    return this.cutOff;
  }
}

describe('Subscription', () => {
  let host: FakeHost;
  let subscription: Subscription;
  beforeEach(() => {
    host = new FakeHost();
    subscription = new Subscription({ key: 'a' }, 3, host);
  });

  it('hands over in order, whether it is waited for or not', async () => {
    const waiting = subscription.next();
    for (const revision of [4, 5]) subscription.offer(change(revision));
    expect(await waiting).toEqual(change(4));
    expect(await subscription.next()).toEqual(change(5));
    expect(subscription.position).toBe(5);
  });

  it('passes over what it has: a resumed watch repeats', async () => {
    subscription.offer(change(3));
    subscription.offer(change(2, 4));
    subscription.offer(change(4));
    subscription.offer(change(5));
    expect(await subscription.next()).toEqual(change(4));
    expect(await subscription.next()).toEqual(change(5));
  });

  it('is fed no longer when too much waits, and again from where it was once that is read', async () => {
    for (const revision of [4, 5, 6, 7, 8, 9, 10]) subscription.offer(large(revision));
    const kept = subscription.position;
    expect(kept).toBeLessThan(10);
    expect(host.asked).toContain('detach');
    expect(host.asked).not.toContain(`attach after ${kept}`);

    for (let revision = 4; revision <= kept; revision++) {
      expect((await subscription.next())!.revision).toBe(revision);
    }
    expect(host.asked.at(-1)).toBe('detach');
    const next = subscription.next();
    expect(host.asked.at(-1)).toBe(`attach after ${kept}`);
    subscription.offer(change(kept + 1));
    expect(await next).toEqual(change(kept + 1));
  });

  it('counts the large value that a deletion keeps alive', () => {
    for (const revision of [4, 5, 6, 7, 8, 9, 10]) {
      const { events } = large(revision);
      const removals = events.map(({ kv }) => ({
        type: 'delete' as const,
        kv: { ...kv, value: '' },
        previous: kv,
      }));
      subscription.offer({ revision, events: removals });
    }
    expect(subscription.position).toBeLessThan(10);
  });

  it('tells of progress only who has asked, once', async () => {
    subscription.offer(progress(4));
    expect(subscription.position).toBe(4);
    subscription.requestProgress();
    expect(subscription.awaitsProgress).toBe(true);
    subscription.offer(progress(5));
    subscription.offer(progress(6));
    subscription.offer(change(7));
    expect(await subscription.next()).toEqual(progress(5));
    expect(await subscription.next()).toEqual(change(7));
    expect(subscription.awaitsProgress).toBe(false);
  });

  it('hands over what it has before it fails', async () => {
    const error = new CompactedError('compacted', 9);
    subscription.offer(change(4));
    subscription.fail(error);
    expect(await subscription.next()).toEqual(change(4));
    await expect(subscription.next()).rejects.toBe(error);
    await expect(subscription.next()).rejects.toBe(error);
    expect(host.asked).toEqual(['ended']);
  });

  it('fails who waits', async () => {
    const waiting = subscription.next();
    const error = new CompactedError('compacted', 9);
    subscription.fail(error);
    await expect(waiting).rejects.toBe(error);
  });

  it('is cut off from the moment it fails, or from when it was before', () => {
    expect(subscription.cutOffMs).toBeUndefined();
    host.cutOff = 5000;
    expect(subscription.cutOffMs).toBe(5000);
    subscription.fail(new CompactedError('compacted', 9));
    host.cutOff = undefined;
    expect(subscription.cutOffMs).toBeGreaterThanOrEqual(5000);
    const other = new Subscription({ key: 'a' }, 3, host);
    other.fail(new CompactedError('compacted', 9));
    expect(other.cutOffMs).toBeGreaterThanOrEqual(0);
  });

  it('ends who waits when it is cancelled, and tells that once', async () => {
    const waiting = subscription.next();
    subscription.cancel();
    subscription.cancel();
    expect(await waiting).toBeUndefined();
    expect(await subscription.next()).toBeUndefined();
    expect(host.asked).toEqual(['ended']);
  });
});
