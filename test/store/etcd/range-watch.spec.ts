import { describe, expect, it } from '@jest/globals';
import type { IWatchResponse } from 'etcd3';
import { type HmEtcdError, UnavailableError } from '../../../lib/store/errors.js';
import { RangeWatch, type RangeWatchHost, type Reader } from '../../../lib/store/etcd/range-watch.js';
import type { WatchStream } from '../../../lib/store/etcd/watch-stream.js';
import type { WatchResponse } from '../../../lib/store/store.js';

/** Keeps where watches were begun. */
class FakeStream {
  readonly starts: number[] = [];

  get asStream(): WatchStream {
    return this as unknown as WatchStream;
  }

  create(_span: unknown, start: number): void {
    this.starts.push(start);
  }
}

class FakeHost implements RangeWatchHost {
  failedCount = 0;
  readonly advanced = (): void => undefined;
  readonly attach = (): void => undefined;

  explainCancel(): HmEtcdError {
    return new UnavailableError('ended');
  }

  failed(): void {
    this.failedCount++;
  }
}

class FakeReader implements Reader {
  readonly position: number;
  readonly offered: WatchResponse[] = [];
  failure: HmEtcdError | undefined;

  constructor(position = 0) {
    this.position = position;
  }

  get revisions(): number[] {
    return this.offered.flatMap(({ events }) => events.map(({ kv }) => kv.modRevision));
  }

  offer(response: WatchResponse): void {
    this.offered.push(response);
  }

  fail(error: HmEtcdError): void {
    this.failure = error;
  }
}

function answer(...revisions: (number | bigint)[]): IWatchResponse {
  return answerOf('', ...revisions);
}

function answerOf(value: string, ...revisions: (number | bigint)[]): IWatchResponse {
  const events = revisions.map((revision) => ({
    type: 'Put',
    kv: {
      key: Buffer.from('a'),
      value: Buffer.from(value),
      create_revision: '2',
      mod_revision: String(revision),
      version: '1',
      lease: '0',
    },
    prev_kv: null,
  }));
  return { events, header: { revision: '9' } } as unknown as IWatchResponse;
}

function watchAfter(revision: number): { watch: RangeWatch; reader: FakeReader; host: FakeHost } {
  const host = new FakeHost();
  const watch = new RangeWatch({ key: 'a' }, revision, host);
  const reader = new FakeReader(revision);
  watch.join(reader);
  return { watch, reader, host };
}

describe('RangeWatch', () => {
  it('begins at the revision it has, not after it: a deletion there may have been compacted away', () => {
    const stream = new FakeStream();
    const { watch } = watchAfter(5);
    watch.begin(stream.asStream);
    watch.responded(answer(6, 7));
    watch.begin(stream.asStream);
    watch.progressed(8);
    watch.begin(stream.asStream);
    expect(stream.starts).toEqual([5, 7, 8]);
  });

  it('discards what is repeated', () => {
    const { watch, reader } = watchAfter(5);
    watch.responded(answer(5, 6));
    watch.responded(answer(5, 6));
    watch.responded(answer(6, 7));
    expect(reader.revisions).toEqual([6, 7]);
  });

  it('does not go back for a late progress report', () => {
    const { watch } = watchAfter(5);
    watch.responded(answer(9));
    watch.progressed(7);
    expect(watch.position).toBe(9);
  });

  it('replays what it knows to who joins from where it began', () => {
    const { watch } = watchAfter(5);
    watch.responded(answer(6));
    watch.responded(answer(7));
    const late = new FakeReader(6);
    watch.join(late);
    expect(late.revisions).toEqual([7]);
    expect([watch.canServeFrom(4), watch.canServeFrom(5)]).toEqual([false, true]);
  });

  it('forgets the oldest, and no longer takes who would need it', () => {
    const { watch } = watchAfter(5);
    for (let revision = 6; revision < 306; revision++) watch.responded(answer(revision));
    expect(watch.canServeFrom(6)).toBe(false);
    expect(watch.canServeFrom(300)).toBe(true);
  });

  it('keeps little of what is large', () => {
    const { watch } = watchAfter(5);
    const value = 'v'.repeat(300_000);
    for (let revision = 6; revision <= 10; revision++) watch.responded(answerOf(value, revision));
    expect([6, 7, 8].map((revision) => watch.canServeFrom(revision))).toEqual([false, true, true]);
    const late = new FakeReader(7);
    watch.join(late);
    expect(late.revisions).toEqual([8, 9, 10]);
  });

  it('fails its readers and who waits for its creation when the server ends it', async () => {
    const { watch, reader, host } = watchAfter(5);
    watch.canceled(answer());
    expect(reader.failure).toBeInstanceOf(UnavailableError);
    expect(host.failedCount).toBe(1);
    await expect(watch.whenCreated).rejects.toThrow(UnavailableError);
  });
});
