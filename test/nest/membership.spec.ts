import { afterEach, describe, expect, it } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import {
  HmEtcdModule,
  type Instance,
  InvalidArgumentError,
  KviService,
  type Membership,
} from '../../lib/index.js';
import { MEMBER_LISTENER_THREW, NO_INSTANCE_OPTION } from '../../lib/nest/hmetcd.messages.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { close, closeAll, start } from './support/apps.js';
import { newStore, type Place } from './support/stores.js';
import { Journal } from './support/deferred.js';

afterEach(closeAll);

const PREFIX = 'instances/';

function startOne(
  place: Place,
  id: string,
  logger = new RecordingLogger(),
): Promise<INestApplicationContext> {
  return start({ imports: [HmEtcdModule.forRoot({ ...place, logger, instance: { prefix: PREFIX, id } })] });
}

/** The first of several instances, with its membership and everything that this tells. */
async function startFirst() {
  const place = newStore();
  const logger = new RecordingLogger();
  const app = await startOne(place, 'one', logger);
  const kvi = app.get(KviService);
  const membership = await kvi.membership();
  const events = new Journal<string>();
  membership.onJoined(({ id, pid }) => events.add(`+${id} ${pid}`));
  membership.onLeft(({ id, pid }) => events.add(`-${id} ${pid}`));
  return { place, logger, app, kvi, membership, events };
}

const ids = ({ instances }: Membership): string[] => instances.map(({ id }) => id);

const marker = (fields: Partial<Instance> = {}): string =>
  JSON.stringify({ host: 'h', pid: 1, startedAt: '2024-01-01T00:00:00.000Z', application: 'app', ...fields });

const { pid } = process;

describe('membership()', () => {
  it('begins with who is there, tells nobody of them, and is what instances() answers', async () => {
    const { kvi, membership, events } = await startFirst();
    expect(membership.instances).toEqual(await kvi.instances());
    expect(ids(membership)).toEqual(['one']);
    expect(events.entries).toEqual([]);
  });

  it('tells who comes and who goes, in order', async () => {
    const { place, kvi, membership, events } = await startFirst();
    const two = await startOne(place, 'two');
    await startOne(place, 'three');
    await membership.sync();
    expect(ids(membership)).toEqual(['one', 'three', 'two']);
    await close(two);
    await membership.sync();
    expect(events.entries).toEqual([`+two ${pid}`, `+three ${pid}`, `-two ${pid}`]);
    expect(membership.instances).toEqual(await kvi.instances());
  });

  it('shows who it tells of already', async () => {
    const { place, membership } = await startFirst();
    const seen = new Journal<string[]>();
    membership.onJoined(() => seen.add(ids(membership)));
    membership.onLeft(() => seen.add(ids(membership)));
    await close(await startOne(place, 'two'));
    expect(await seen.reaches(2)).toEqual([['one', 'two'], ['one']]);
  });

  it('tells nothing of a marker that the same process writes again', async () => {
    const { kvi, membership, events } = await startFirst();
    await kvi.tempKey(`${PREFIX}one`);
    await kvi.store(`${PREFIX}x`, marker());
    await kvi.store(`${PREFIX}x`, marker({ application: 'renamed' }));
    await membership.sync();
    expect(events.entries).toEqual(['+x 1']);
  });

  it.each<[string, Partial<Instance>]>([
    ['another pid', { pid: 2 }],
    ['another host', { host: 'i' }],
    ['a later start, as a container has that was restarted', { startedAt: '2024-01-02T00:00:00.000Z' }],
  ])('tells of another process under the same id: %s', async (_title, fields) => {
    const { kvi, membership, events } = await startFirst();
    await kvi.store(`${PREFIX}x`, marker());
    await kvi.store(`${PREFIX}x`, marker(fields));
    await membership.sync();
    expect(events.entries).toEqual(['+x 1', '-x 1', `+x ${fields.pid ?? 1}`]);
  });

  it('knows nothing of keys that are no announcement', async () => {
    const { kvi, membership, events } = await startFirst();
    await kvi.store(`${PREFIX}x`, 'data');
    await kvi.delete(`${PREFIX}x`);
    await kvi.store(`${PREFIX}x`, marker());
    await kvi.store(`${PREFIX}x`, 'data');
    await membership.sync();
    expect(ids(membership)).toEqual(['one']);
    expect(events.entries).toEqual(['+x 1', '-x 1']);
  });

  it('tells the marker that is deleted by hand as gone, and it does not come back', async () => {
    const { place, kvi, membership, events } = await startFirst();
    await startOne(place, 'two');
    await kvi.delete(`${PREFIX}two`);
    await events.reaches(2);
    await startOne(place, 'three');
    await membership.sync();
    expect(ids(membership)).toEqual(['one', 'three']);
    expect(events.entries).toEqual([`+two ${pid}`, `-two ${pid}`, `+three ${pid}`]);
  });

  it('ends by close(), by the end of its block and with the connection', async () => {
    const { app, kvi, membership } = await startFirst();
    const another = await kvi.membership();
    let disposed: Membership;
    {
      await using inBlock = await kvi.membership();
      disposed = inBlock;
      expect(inBlock.isCurrent).toBe(true);
    }
    expect(disposed.isCurrent).toBe(false);
    await another.close();
    expect([another.isCurrent, membership.isCurrent, membership.staleSince]).toEqual([
      false,
      true,
      undefined,
    ]);
    await expect(another.sync()).rejects.toThrow(/closed/);
    await close(app);
    expect(membership.isCurrent).toBe(false);
    expect(membership.staleSince).toBeInstanceOf(Date);
    expect(ids(another)).toEqual(['one']);
  });

  it('is refused where the module was not told where the instances are', async () => {
    const app = await start({ imports: [HmEtcdModule.forRoot(newStore())] });
    const call = app.get(KviService).membership();
    await expect(call).rejects.toThrow(InvalidArgumentError);
    await expect(call).rejects.toThrow(NO_INSTANCE_OPTION(undefined));
  });
});

describe('a listener of a membership', () => {
  it('is not called after its end, and one that was added twice ends once for each', async () => {
    const { kvi, membership } = await startFirst();
    const seen: string[] = [];
    const listener = ({ id }: Instance): unknown => seen.push(id);
    const [stop] = [membership.onJoined(listener), membership.onJoined(listener)];
    await kvi.store(`${PREFIX}x`, marker());
    await membership.sync();
    stop();
    await kvi.store(`${PREFIX}y`, marker());
    await membership.sync();
    expect(seen).toEqual(['x', 'x', 'y']);
  });

  it('that throws is logged, and the others are called', async () => {
    const { kvi, membership, logger, events } = await startFirst();
    membership.onJoined(() => Promise.reject(new TypeError('as expected')));
    membership.onJoined(() => {
      throw new TypeError('as expected');
    });
    membership.onJoined(() => events.add('the last'));
    await kvi.store(`${PREFIX}x`, marker());
    expect(await events.reaches(2)).toEqual(['+x 1', 'the last']);
    expect(await logger.line('error', /listener/)).toContain(MEMBER_LISTENER_THREW(PREFIX, 'TypeError'));
  });

  it('must be a function', async () => {
    const { membership } = await startFirst();
    expect(() => membership.onJoined(undefined as never)).toThrow(/^listener must be a function/);
    expect(() => membership.onLeft('x' as never)).toThrow(/^listener must be a function/);
  });
});
