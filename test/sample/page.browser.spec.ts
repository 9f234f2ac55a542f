import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { open } from 'nestjs-hmetcd';
import type { BrowserContext, Page } from 'playwright-core';
import { startBrowser } from '../support/browser.js';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { SampleProcess } from './support/sample.process.js';

const PHONE = { width: 390, height: 844 };
const LIMITS = { staleAfterMs: 86_400_000, removeStaleAfterMs: 86_400_000 };
const COLORS = ['text', 'muted', 'accent', 'good', 'warn', 'bad', 'gone'];
/** WCAG 2.2, level AA. */
const LEAST_CONTRAST = 4.5;

describe('the page, in a browser', () => {
  let etcd: EtcdServer;
  let context: BrowserContext;
  let page: Page;
  /** Where the page is, and where others write. */
  let here: SampleProcess;
  let there: SampleProcess;
  const samples: SampleProcess[] = [];
  /** Of all tests, for the last one. */
  const asked: string[] = [];
  const complaints: string[] = [];

  function startSample(env: NodeJS.ProcessEnv = {}): SampleProcess {
    const sample = new SampleProcess(['--nodes', '0'], { HMETCD_ENDPOINT: etcd.endpoint, ...env });
    samples.push(sample);
    return sample;
  }

  beforeAll(async () => {
    context = await startBrowser();
    etcd = await startEtcd();
    here = startSample();
    there = startSample();
    // Nobody goes stale while the tests take their time.
    await putLimits(LIMITS);
    context.on('request', (request) => asked.push(new URL(request.url()).origin));
    context.on('console', (message) => complaints.push(message.text()));
    context.on('weberror', (error) => complaints.push(String(error.error())));
  });

  afterAll(() => Promise.all(samples.map((sample) => sample.kill())));

  beforeEach(async () => {
    page = await context.newPage();
    await page.goto(await here.url());
    await shown('#connection', 'Live');
  });

  afterEach(() => page.close());

  /** @returns the text of an element that has this in it, when it is seen */
  async function shown(selector: string, text: string | RegExp): Promise<string> {
    const found = page.locator(selector, { hasText: text }).first();
    await found.waitFor();
    return (await found.textContent()) ?? '';
  }

  async function gone(selector: string, text: string): Promise<void> {
    await page.locator(selector, { hasText: text }).first().waitFor({ state: 'detached' });
  }

  async function report(node: string): Promise<void> {
    await fetch(`${await there.url()}/heartbeats/${node}`, { method: 'POST' });
  }

  async function putLimits(limits: unknown): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    await fetch(`${await there.url()}/limits`, { method: 'PUT', headers, body: JSON.stringify(limits) });
  }

  it('shows a node that reports to another instance', async () => {
    await report('x1c0s1b0n0');
    expect(await shown('#nodes tr', 'x1c0s1b0n0')).toMatch(/alive.*(just now|s ago)/s);
    expect(await shown('#changes li', 'x1c0s1b0n0')).toContain('joined');
  });

  it('shows what stands in the store as text, whatever it says', async () => {
    const kvi = await open(etcd.endpoint, { logger: new RecordingLogger() });
    const name = '<img src=x onerror=alert(1)>';
    await kvi.store(`heartbeat/${name}`, String(Date.now()));
    await kvi.store(`status/${name}`, '<b>bold</b>');
    expect(await shown('#nodes tr', name)).toContain('<b>bold</b>');
    expect(await page.locator('img, b').count()).toBe(0);
    await kvi.delete(`heartbeat/${name}`);
    await gone('#nodes tr', name);
    await kvi.delete(`status/${name}`);
    await kvi.close();
  });

  it('shows who holds the lock of the sweep, by which token, and who waits', async () => {
    const kvi = await open(etcd.endpoint, { logger: new RecordingLogger() });
    await shown('#sweep-token', /^\d+$/);
    const lock = await kvi.lock('sweep');
    await shown('#sweep-state', 'held');
    await shown('#sweep-holder', `process ${process.pid} on`);
    expect(await shown('#sweep-token', String(lock.fencingToken))).toBe(String(lock.fencingToken));
    const waiting = kvi.lock('sweep');
    await shown('#sweep-queue', `process ${process.pid} on`);
    await lock.release();
    const next = await waiting;
    await shown('#sweep-token', String(next.fencingToken));
    await next.release();
    await shown('#sweep-holder', new RegExp(`process (${here.pid}|${there.pid}) on`));
    await kvi.close();
  });

  it('lists the instances, and itself among them', async () => {
    await shown('#self', `process ${here.pid} on`);
    expect(await shown('#instances tr', String(here.pid))).toContain('this page');
    expect(await shown('#instances tr', String(there.pid))).not.toContain('this page');
  });

  it('sees an instance come, and leave when it was killed', async () => {
    const third = startSample();
    await third.url();
    await shown('#instances tr', String(third.pid));
    await shown('#changes li', new RegExp(`came.*instance ${third.pid}`, 's'));
    await third.kill();
    await gone('#instances tr', String(third.pid));
    await shown('#changes li', new RegExp(`left.*instance ${third.pid}`, 's'));
    expect(await shown('#announcement', `Instance ${third.pid}`)).toContain('left');
    expect(await page.locator('#instances tr').count()).toBe(2);
  });

  it('lets limits be edited by keyboard, says what is wrong beside the field, and shows them elsewhere', async () => {
    const keys = page.keyboard;
    await keys.press('Tab');
    await page.getByLabel('Stale after (ms)').and(page.locator(':focus-visible')).waitFor();
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');

    await keys.press('Control+A');
    await keys.type('0');
    await keys.press('Enter');
    await shown('#staleAfterMs-error', 'It must not be less than 1.');
    await page.locator('#staleAfterMs:focus[aria-invalid=true]').waitFor();

    await keys.press('Control+A');
    await keys.type('86000000');
    await keys.press('Tab');
    await page.locator('#removeStaleAfterMs:focus').waitFor();
    await keys.press('Tab');
    await keys.press('Space');
    await shown('#limits-outcome', 'Saved');
    await shown('#staleAfterMs-now', 'in force: 86000000');
    expect(await page.locator('[aria-invalid]').count()).toBe(0);
    expect(await page.locator('.error:visible').count()).toBe(0);
    const stored = { ...LIMITS, staleAfterMs: 86_000_000 };
    await there.lines.waitFor(/Limits are {"staleAfterMs":86000000/);
    expect(await (await fetch(`${await there.url()}/limits`)).json()).toEqual(stored);
  });

  it('shows limits that another has set, but not over what is being typed', async () => {
    await page.locator('#staleAfterMs').fill('123');
    await putLimits({ staleAfterMs: 85_000_001, removeStaleAfterMs: 85_000_002 });
    await shown('#staleAfterMs-now', 'in force: 85000001');
    await shown('#changes li', /limits.*85000001/s);
    expect(await page.locator('#removeStaleAfterMs').inputValue()).toBe('85000002');
    expect(await page.locator('#staleAfterMs').inputValue()).toBe('123');
    await page.getByRole('button', { name: 'Undo' }).click();
    expect(await page.locator('#staleAfterMs').inputValue()).toBe('85000001');
  });

  it.each(['light', 'dark'] as const)('can be read when the system is %s', async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    const color = (name: string): Promise<string> =>
      page.evaluate(`getComputedStyle(document.documentElement).getPropertyValue('--${name}')`);
    const [card, ground] = [await color('card'), await color('ground')];
    expect(luminance(card) < 0.5).toBe(colorScheme === 'dark');
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe(rgb(ground));
    for (const name of COLORS) {
      expect(contrast(await color(name), card)).toBeGreaterThan(LEAST_CONTRAST);
      expect(contrast(await color(name), ground)).toBeGreaterThan(LEAST_CONTRAST);
    }
    expect(contrast(await color('on-accent'), await color('accent'))).toBeGreaterThan(LEAST_CONTRAST);
  });

  it('is read on a phone without scrolling to the side', async () => {
    await page.setViewportSize(PHONE);
    await report('x9999c7s99b99n99');
    await shown('#changes li', /x9999c7s99b99n99/);
    const [needed, had] = await page.evaluate<[number, number]>(
      '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
    );
    expect(had).toBe(PHONE.width);
    expect(needed).toBeLessThanOrEqual(had);
  });

  it('says that its instance is gone, and shows all there is when it is back', async () => {
    const url = await here.url();
    await here.kill();
    await shown('#connection', 'Connection lost');
    await report('x2c0s1b0n0');
    here = startSample({ PORT: new URL(url).port });
    await shown('#connection', 'Live');
    await shown('#self', `process ${here.pid} on`);
    expect(await shown('#nodes tr', 'x2c0s1b0n0')).toContain('alive');
  });

  it('says when the store is out of reach, and when it is back', async () => {
    etcd.pause();
    await shown('#connection', 'Store not reached since');
    etcd.resume();
    expect(await shown('#connection', 'Live')).toBe('Live');
  });

  it('has asked nothing of any other host, and the browser had nothing against it', async () => {
    const own = await Promise.all(samples.map((sample) => sample.url()));
    expect(new Set(asked)).toEqual(new Set([own[0]]));
    // Limits that were refused, and an instance that was gone.
    const expected = /status of 400 \(Bad Request\)|net::ERR_/;
    expect(complaints.filter((text) => !expected.test(text))).toEqual([]);
  });
});

/** `#abc` or `#aabbcc` as three parts of 255. */
function parts(hex: string): [number, number, number] {
  const digits = hex.length === 4 ? hex.slice(1).replaceAll(/./g, '$&$&') : hex.slice(1);
  const part = (at: number): number => Number.parseInt(digits.slice(at, at + 2), 16);
  return [part(0), part(2), part(4)];
}

function rgb(hex: string): string {
  return `rgb(${parts(hex).join(', ')})`;
}

/** As WCAG 2.2 defines it. */
function luminance(hex: string): number {
  const [r, g, b] = parts(hex).map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: string, other: string): number {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}
