import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { type Campaign, Etcd3, EtcdLockFailedError } from 'etcd3';
import { type Kvi, OnElected, open } from 'nestjs-hmetcd';
import { close } from '../nest/support/apps.js';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';
import { poll } from '../support/etcd/poll.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { withBothLocks } from './both-locks.js';
import { Fleet } from './support/fleet.js';

let etcd: EtcdServer;
let old: Etcd3;
let kvi: Kvi;

beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(() => etcd.stop());

beforeEach(async () => {
  old = new Etcd3({ hosts: etcd.endpoint });
  kvi = await open(etcd.endpoint, { logger: new RecordingLogger() });
});
afterEach(async () => {
  old.close();
  await kvi.close();
});

describe("etcd3's lock", () => {
  it("and this library's of the same name do not exclude each other", async () => {
    const theirs = await old.lock('seen-by-nobody').acquire();
    const ours = await kvi.lock('seen-by-nobody', { timeoutSec: 0 });
    expect(ours.isHeld).toBe(true);
    await ours.release();
    await theirs.release();
  });

  it('is taken too by the version that takes both', async () => {
    const answer = await withBothLocks(kvi, old, 'billing', async (lock) => {
      await expect(old.lock('billing').acquire()).rejects.toBeInstanceOf(EtcdLockFailedError);
      await expect(kvi.lock('billing', { timeoutSec: 0 })).rejects.toMatchObject({
        name: 'LockTimeoutError',
      });
      lock.assertHeld();
      return 'sent';
    });
    expect(answer).toBe('sent');
    await (await old.lock('billing').acquire()).release();
  });

  it('is waited for by the version that takes both, which then works once', async () => {
    const theirs = await old.lock('billing').acquire();
    let runs = 0;
    const both = withBothLocks(kvi, old, 'billing', async () => ++runs);
    await poll('it has its own lock', async () => (await kvi.lockInfo('billing')).holder);
    expect(runs).toBe(0);
    await theirs.release();
    expect(await both).toBe(1);
  });
});

describe("etcd3's election", () => {
  @Injectable()
  class Dispatcher {
    leads = false;

    @OnElected('election/dispatcher')
    elected(): void {
      this.leads = true;
    }
  }

  /** A campaign, and whether it was won. */
  function campaign(): { readonly campaign: Campaign; won: boolean } {
    const stands = { campaign: old.election('dispatcher', 10).campaign('old'), won: false };
    stands.campaign.on('elected', () => (stands.won = true));
    return stands;
  }

  it('stands in one queue with @OnElected', async () => {
    const first = campaign();
    await poll('etcd3 leads', () => first.won || undefined);
    const app = await new Fleet(etcd.endpoint).replica({ providers: [Dispatcher] });
    await poll('ours waits', async () => (await kvi.lockInfo('election/dispatcher')).queue[0]);
    const last = campaign();
    await poll('another of theirs waits', async () => (await kvi.lockInfo('election/dispatcher')).queue[1]);
    expect([app.get(Dispatcher).leads, last.won]).toEqual([false, false]);

    await first.campaign.resign();
    await poll('ours leads', () => app.get(Dispatcher).leads || undefined);
    expect(last.won).toBe(false);
    await close(app);
    await poll('theirs leads', () => last.won || undefined);
    await last.campaign.resign();
  });
});
