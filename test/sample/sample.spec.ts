import { afterEach, describe, expect, it } from '@jest/globals';
import { followAlerts, nextAlert } from './support/alert-stream.js';
import { SampleProcess } from './support/sample.process.js';

const NODE = 'x0c0s1b0n0';
const ONE_DAY_MS = 86_400_000;
const DEFAULT_LIMITS = { staleAfterMs: 3000, removeStaleAfterMs: 5000 };
const LIMITS = { staleAfterMs: 4000, removeStaleAfterMs: 6000 };

const running: SampleProcess[] = [];

function run(args: string[], env?: NodeJS.ProcessEnv): SampleProcess {
  const sample = new SampleProcess(args, env);
  running.push(sample);
  return sample;
}

async function get(url: string): Promise<unknown> {
  return (await fetch(url)).json();
}

function report(url: string, node = NODE): Promise<Response> {
  return fetch(`${url}/heartbeats/${node}`, { method: 'POST' });
}

function putLimits(url: string, body: unknown): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return fetch(`${url}/limits`, { method: 'PUT', headers, body: JSON.stringify(body) });
}

describe('the sample', () => {
  afterEach(async () => {
    await Promise.all(running.splice(0).map((sample) => sample.kill()));
  });

  it('shows a node that has reported', async () => {
    const url = await run(['--nodes', '0']).url();
    expect((await report(url)).status).toBe(204);
    const lastHeartbeat = expect.stringMatching(/^\d{4}-.*Z$/);
    expect(await get(`${url}/nodes`)).toEqual([{ node: NODE, status: 'alive', lastHeartbeat }]);
  });

  it('refuses a node name that is none', async () => {
    const url = await run(['--nodes', '0']).url();
    for (const name of ['bad', 'X0C0S1B0N0', 'x0c8s1b0n0', 'x0c0s1b0n0%00', 'x0c0s1b0n0%2F..']) {
      const response = await report(url, name);
      expect([name, response.status]).toEqual([name, 400]);
      expect(await response.text()).toContain('node must be a name such as x0c0s1b0n0');
    }
    expect(await get(`${url}/nodes`)).toEqual([]);
  });

  it('tells over /alerts of a node that joins, goes stale, recovers and is removed, as the limits change', async () => {
    const url = await run(['--nodes', '0']).url();
    const alerts = await followAlerts(url);

    await report(url);
    expect(await nextAlert(alerts, 'joined')).toMatchObject({ node: NODE });

    await putLimits(url, { staleAfterMs: 1, removeStaleAfterMs: ONE_DAY_MS });
    expect(await nextAlert(alerts, 'stale')).toMatchObject({ node: NODE });
    expect(await get(`${url}/nodes`)).toMatchObject([{ node: NODE, status: 'stale' }]);

    await report(url);
    expect(await nextAlert(alerts, 'recovered')).toMatchObject({ node: NODE });

    await putLimits(url, { staleAfterMs: 1, removeStaleAfterMs: 1 });
    expect(await nextAlert(alerts, 'removed')).toMatchObject({ node: NODE });
    expect(await get(`${url}/nodes`)).toEqual([]);
  });

  it('takes new limits while it runs', async () => {
    const sample = run(['--nodes', '0']);
    const url = await sample.url();
    expect(await get(`${url}/limits`)).toEqual(DEFAULT_LIMITS);

    const response = await putLimits(url, LIMITS);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual(LIMITS);
    await sample.lines.waitFor(/Limits are {"staleAfterMs":4000/);
    expect(await get(`${url}/limits`)).toEqual(LIMITS);
  });

  it('refuses limits that are none', async () => {
    const url = await run(['--nodes', '0']).url();
    for (const limits of [{}, [], { ...LIMITS, staleAfterMs: 0 }, { ...LIMITS, more: 1 }]) {
      expect([limits, (await putLimits(url, limits)).status]).toEqual([limits, 400]);
    }
    expect(await get(`${url}/limits`)).toEqual(DEFAULT_LIMITS);
  });

  it('lists itself among the instances', async () => {
    const sample = run(['--nodes', '0']);
    expect(await get(`${await sample.url()}/instances`)).toMatchObject([{ pid: sample.pid }]);
  });

  it.each<NodeJS.Signals>(['SIGTERM', 'SIGINT'])(
    'ends with code 0 on %s at once, and its event streams with it',
    async (signal) => {
      const sample = run(['--nodes', '5']);
      const alerts = await followAlerts(await sample.url());

      const start = performance.now();
      sample.signal(signal);
      while (!(await alerts.next()).done);
      expect(await sample.exit).toBe(0);
      expect(performance.now() - start).toBeLessThan(10_000);
      expect(sample.lines.text).not.toContain('ERROR');
    },
  );

  it('says so when the port is in use, and ends with code 1', async () => {
    const { port } = new URL(await run(['--nodes', '0']).url());
    const second = run([], { PORT: port });
    expect(await second.exit).toBe(1);
    expect(second.lines.text).toContain(`Port ${port} on 127.0.0.1 is in use`);
  });

  it.each([
    { args: ['--nodes', 'many'], env: {}, message: '--nodes must be a whole number' },
    { args: [], env: { HMETCD_ENDPOINT: 'mem' }, message: "endpoint must be 'mem:'" },
  ])('refuses $args with $env in one sentence, and ends with code 1', async ({ args, env, message }) => {
    const sample = run(args, env);
    expect(await sample.exit).toBe(1);
    expect(sample.lines.text).toContain(message);
    expect(sample.lines.text).not.toMatch(/^\s+at /m);
  });

  it('has something to show in its first twenty seconds', async () => {
    const { lines } = run([]);
    const [, node] = await lines.waitFor(/(x\S+) falls silent/);
    const seen = [new RegExp(`${node} stale`), /x\S+ recovered/, /x\S+ removed/];
    await expect(Promise.all(seen.map((event) => lines.waitFor(event)))).resolves.toHaveLength(3);
  });
});
