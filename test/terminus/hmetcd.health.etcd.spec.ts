import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { PUT } from '../../lib/kvi/key-change.js';
import { HmEtcdModule } from '../../lib/nest/hmetcd.module.js';
import { KviService } from '../../lib/nest/kvi.service.js';
import { OnKeyChange } from '../../lib/nest/on-key-change.decorator.js';
import { closeAll } from '../nest/support/apps.js';
import { type HttpApp, startHttp } from '../nest/support/http.js';
import { raiseNoSpace } from '../support/etcd/alarm.js';
import { type EtcdCluster, startCluster } from '../support/etcd/etcd-cluster.js';
import { poll } from '../support/etcd/poll.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { type Answer, askHealth, withHealth } from './health-app.js';

const TIMEOUT_MS = 1000;
/** What a busy machine may add to any time: far less than a request has that goes by `requestTimeoutMs`. */
const STALL_MS = 2000;
const BACK_WITHIN_MS = 2000;

/** Two thirds of it without a keep-alive are a risk; more than a ninth of it before, the session counts as lost. */
const TTL_SEC = 9;

@Injectable()
class Follower {
  changes = 0;

  @OnKeyChange('config/limits', PUT)
  changed(): void {
    this.changes++;
  }
}

describe('GET /health of an application on a cluster of three', () => {
  let cluster: EtcdCluster;
  let http: HttpApp;
  beforeAll(async () => {
    cluster = await startCluster({ clientProxies: true });
  });
  afterAll(() => cluster.stop());
  afterEach(async () => {
    await closeAll();
    await cluster.whenHealthy();
  });

  /** With all that a connection can have: a session, a lock, a view, a handler of changes. */
  async function startApp(options: { timeoutMs?: number; watchesBehindMs?: number } = {}): Promise<void> {
    const logger = new RecordingLogger();
    const endpoint = cluster.endpoints;
    const metadata = withHealth([HmEtcdModule.forRoot({ endpoint, sessionTtlSec: TTL_SEC, logger })], {
      etcd: { timeoutMs: TIMEOUT_MS, ...options },
    });
    http = await startHttp({ ...metadata, providers: [...metadata.providers, Follower] });
    const kvi = http.app.get(KviService);
    await kvi.lock('jobs');
    await kvi.observe({ prefix: 'config/' });
    expect(await answers(200, 'healthy')).toMatchObject({ body: { status: 'ok' } });
  }

  async function ask(): Promise<Answer> {
    const answer = await askHealth(http.fetch);
    expect(answer.tookMs).toBeLessThan(TIMEOUT_MS + STALL_MS);
    return answer;
  }

  /** Asks until the answer is that; each one comes in time. */
  function answers(status: number, state: string): Promise<Answer> {
    return poll(`/health answers ${status} with ${state}`, async () => {
      const answer = await ask();
      const { etcd } = answer.body.details;
      return answer.status === status && etcd!['state'] === state ? answer : undefined;
    });
  }

  function messageOf({ body }: Answer): string {
    return body.error!['etcd']!['message'] as string;
  }

  /** From when the cluster itself has a quorum again, as it tells without this library. */
  async function backSince(quorum: Promise<unknown>): Promise<number> {
    const back = answers(200, 'healthy').then(() => performance.now());
    await quorum;
    const recoveredAt = performance.now();
    return (await back) - recoveredAt;
  }

  it.each([
    {
      how: 'are killed and come back',
      take: (index: number) => cluster.member(index).kill(),
      giveBack: (index: number) => cluster.member(index).relaunch(),
    },
    {
      how: 'hang and go on',
      take: async (index: number) => cluster.member(index).pause(),
      giveBack: async (index: number) => cluster.member(index).resume(),
    },
  ])(
    'is 503 and says that the quorum is lost when two $how, and 200 soon after',
    async ({ take, giveBack }) => {
      await startApp();
      const left = (await cluster.followers())[0]!;
      const lost = [0, 1, 2].filter((index) => index !== left);
      await Promise.all(lost.map(take));
      const first = await ask();
      expect(first.status).toBe(503);
      const answer = await answers(503, 'no-quorum');
      expect(messageOf(answer)).toMatch(/No linearizable read was answered within 1000 ms, though 1 of 3/);
      expect(answer.body.details['etcd']!['members'][left]).toMatchObject({ isReachable: true });

      await Promise.all(lost.map(giveBack));
      const quorum = poll(
        'the cluster has a quorum',
        async () => (await cluster.member(left).isHealthy()) || undefined,
      );
      const backAfterMs = await backSince(quorum);
      process.stdout.write(
        `/health: 503 after ${Math.round(answer.tookMs)} ms, 200 ${Math.round(backAfterMs)} ms after the quorum was back\n`,
      );
      expect(backAfterMs).toBeLessThan(BACK_WITHIN_MS);
    },
  );

  it('is 503 when nobody can be reached, names what else comes of it, and is 200 soon after', async () => {
    await startApp({ watchesBehindMs: 1000 });
    for (const proxy of cluster.clientProxies) proxy.refuse();
    expect(messageOf(await answers(503, 'unreachable'))).toMatch(/No server of the store answered/);
    const message = await poll('session and watches are named', async () => {
      const text = messageOf(await ask());
      return text.includes('Keep-alives') ? text : undefined;
    });
    expect(message).toMatch(
      /^No server .* Keep-alives are not answered: .* lost in \d+ ms\. Watches have been cut off/,
    );
    const backAfterMs = await backSince(Promise.all(cluster.clientProxies.map((proxy) => proxy.pass())));
    expect(backAfterMs).toBeLessThan(BACK_WITHIN_MS + STALL_MS);
  });

  it('is 503 in time when every link is silent, and 200 soon after', async () => {
    await startApp();
    await Promise.all(cluster.clientProxies.map((proxy) => proxy.swallow()));
    expect((await ask()).body.error).toMatchObject({ etcd: { state: 'unreachable' } });
    const backAfterMs = await backSince(Promise.all(cluster.clientProxies.map((proxy) => proxy.pass())));
    expect(backAfterMs).toBeLessThan(BACK_WITHIN_MS + STALL_MS);
  });

  it('is 503 while an alarm is raised', async () => {
    await startApp();
    await raiseNoSpace(cluster.member(0).endpoint);
    expect(messageOf(await answers(503, 'alarm'))).toMatch(/NOSPACE\. Writes are refused/);
    await cluster.member(0).ctl('alarm', 'disarm');
    await answers(200, 'healthy');
  });

  it('is 200 while one of three is lost', async () => {
    await startApp();
    const [follower] = await cluster.followers();
    await cluster.member(follower!).kill();
    await cluster.leader();
    for (let times = 0; times < 5; times++) expect((await ask()).status).toBe(200);
    await cluster.member(follower!).relaunch();
  });
});
