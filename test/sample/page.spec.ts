import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { KviService } from 'nestjs-hmetcd';
import { filter, firstValueFrom, lastValueFrom, map, takeWhile, toArray } from 'rxjs';
import { AppModule } from '../../sample/app.module.js';
import { LimitsService } from '../../sample/limits/limits.service.js';
import type { PageData } from '../../sample/page/page.events.js';
import { PageService } from '../../sample/page/page.service.js';
import { LogLinesLogger } from './support/log-lines.logger.js';

const NODE = 'x0c0s1b0n0';
const LIMITS = { staleAfterMs: 10, removeStaleAfterMs: 86_400_000 };

describe('the page', () => {
  let app: INestApplication;
  let url: string;
  let service: PageService;

  beforeEach(async () => {
    app = await NestFactory.create(AppModule.on(`mem:${randomUUID()}`), {
      logger: new LogLinesLogger(),
      forceCloseConnections: true,
    });
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
    service = app.get(PageService);
  });

  afterEach(() => app.close());

  function beat(): Promise<Response> {
    return fetch(`${url}/heartbeats/${NODE}`, { method: 'POST' });
  }

  /** The first event of a kind, of those that a page would get that is opened now. */
  function next<T extends keyof PageData>(
    type: T,
    isIt: (data: PageData[T]) => boolean,
  ): Promise<PageData[T]> {
    return firstValueFrom(
      service.events.pipe(
        filter((event) => event.type === type),
        map(({ data }) => data as PageData[T]),
        filter(isIt),
      ),
    );
  }

  it.each([
    ['/', 'text/html; charset=utf-8', '<title>Heartbeat tracker</title>'],
    ['/page.css', 'text/css; charset=utf-8', 'prefers-color-scheme'],
    ['/page.js', 'text/javascript; charset=utf-8', 'EventSource'],
    ['/icon.svg', 'image/svg+xml', '<svg'],
  ])('has %s', async (path, type, content) => {
    const response = await fetch(url + path);
    expect([response.status, response.headers.get('content-type')]).toEqual([
      200,
      expect.stringContaining(type),
    ]);
    expect(await response.text()).toContain(content);
  });

  it('lets the browser load nothing from elsewhere, and run nothing inline', async () => {
    const policy = (await fetch(url)).headers.get('content-security-policy');
    expect(policy).toContain("default-src 'self'");
    expect(policy).not.toMatch(/unsafe|https?:|data:|\*/);
  });

  it('needs no file but its own', async () => {
    const html = await (await fetch(url)).text();
    const files = Array.from(html.matchAll(/(?:src|href)="([^"]*)"/g), ([, file]) => file);
    expect(new Set(files)).toEqual(new Set(['icon.svg', 'page.css', 'page.js']));
  });

  it('begins every stream with all there is', async () => {
    const reported = next('node', ({ view }) => view !== undefined);
    await beat();
    await reported;
    const first = await lastValueFrom(
      service.events.pipe(
        takeWhile(({ type }) => type !== 'pulse', true),
        toArray(),
      ),
    );
    expect(Object.fromEntries(first.map(({ type, data }) => [type, data]))).toMatchObject({
      self: { pid: process.pid },
      nodes: [{ node: NODE, status: 'alive' }],
      instances: [{ pid: process.pid }],
      sweep: { queue: [] },
      limits: { staleAfterMs: 3000, removeStaleAfterMs: 5000 },
      pulse: { now: expect.any(Number) },
    });
  });

  it('tells of limits when they are in force', async () => {
    const told = next('limits', ({ staleAfterMs }) => staleAfterMs === LIMITS.staleAfterMs);
    await app.get(LimitsService).replace(LIMITS);
    expect(await told).toEqual(LIMITS);
  });

  it('tells who holds the lock of the sweep, by which token, and who waits', async () => {
    const kvi = app.get(KviService);
    const lock = await kvi.lock('sweep');
    const patience = new AbortController();
    const waiter = kvi.lock('sweep', { signal: patience.signal }).catch(() => undefined);
    const { holder } = await next(
      'sweep',
      ({ holder: one, queue }) => one?.fencingToken === lock.fencingToken && queue.length > 0,
    );
    expect(holder).toMatchObject({ pid: process.pid, key: lock.key });
    patience.abort();
    await waiter;
    await lock.release();
    await next('sweep', ({ holder: one }) => one?.fencingToken !== lock.fencingToken);
  });

  it('tells of instances that come and go', async () => {
    const both = next('instances', (list) => list.length === 2);
    const value = JSON.stringify({ host: 'h', pid: 7, startedAt: 'then', application: 'test' });
    await app.get(KviService).store('instances/another', value);
    expect(await both).toEqual(expect.arrayContaining([expect.objectContaining({ id: 'another', pid: 7 })]));
    const one = next('instances', (list) => list.length === 1);
    await app.get(KviService).delete('instances/another');
    expect(await one).toMatchObject([{ pid: process.pid }]);
  });

  it('sends its events over HTTP by their types, and ends the stream with the application', async () => {
    const response = await fetch(`${url}/live`);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const text = response.text();
    await app.close();
    expect(await text).toMatch(/^event: self\nid: 1\nretry: 1000\ndata: \{"host":".+","pid":\d+\}$/m);
  });
});
