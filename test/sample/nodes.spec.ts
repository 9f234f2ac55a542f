import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import { HmEtcdModule, KviService } from 'nestjs-hmetcd';
import { NodesService } from '../../sample/heartbeats/nodes.service.js';

const NODE = 'x0c0s1b0n0';
const LONG_AGO = '1';

describe('NodesService', () => {
  let module: TestingModule;
  let kvi: KviService;
  let nodes: NodesService;

  beforeEach(async () => {
    module = await Test.createTestingModule({
      imports: [HmEtcdModule.forRoot('mem:nodes')],
      providers: [NodesService],
    }).compile();
    await module.init();
    kvi = module.get(KviService);
    nodes = module.get(NodesService);
  });

  afterEach(async () => {
    await kvi.delete(`heartbeat/${NODE}`);
    await kvi.delete(`status/${NODE}`);
    await module.close();
  });

  async function storeEntry(status: string): Promise<void> {
    await kvi.store(`heartbeat/${NODE}`, LONG_AGO);
    await kvi.store(`status/${NODE}`, status);
  }

  it('lists a node that has reported as alive', async () => {
    await nodes.beat(NODE);
    expect(await nodes.list()).toEqual([
      { node: NODE, status: 'alive', heartbeat: expect.stringMatching(/^\d{13}$/) },
    ]);
  });

  it('marks a silent node stale, and a report brings it back', async () => {
    await storeEntry('alive');
    expect(await nodes.markStale({ node: NODE, heartbeat: LONG_AGO })).toBe(true);
    expect(await kvi.get(`status/${NODE}`)).toBe('stale');
    await nodes.beat(NODE);
    expect(await kvi.get(`status/${NODE}`)).toBe('alive');
  });

  it('does not mark a node stale that has reported since it was read', async () => {
    await storeEntry('alive');
    await nodes.beat(NODE);
    expect(await nodes.markStale({ node: NODE, heartbeat: LONG_AGO })).toBe(false);
    expect(await kvi.get(`status/${NODE}`)).toBe('alive');
  });

  it('removes a silent node', async () => {
    await storeEntry('stale');
    expect(await nodes.remove({ node: NODE, heartbeat: LONG_AGO })).toBe(true);
    expect(await nodes.list()).toEqual([]);
  });

  it('does not remove a node that has reported since it was read', async () => {
    await storeEntry('stale');
    await nodes.beat(NODE);
    expect(await nodes.remove({ node: NODE, heartbeat: LONG_AGO })).toBe(false);
    expect(await kvi.get(`status/${NODE}`)).toBe('alive');
  });

  it('removes a status that has lost its heartbeat, and only then', async () => {
    await kvi.store(`status/${NODE}`, 'stale');
    const [entry] = await nodes.list();
    expect(entry).toEqual({ node: NODE, status: 'stale' });
    await nodes.beat(NODE);
    expect(await nodes.remove({ node: NODE })).toBe(false);
    await kvi.delete(`heartbeat/${NODE}`);
    expect(await nodes.remove({ node: NODE })).toBe(true);
    expect(await nodes.list()).toEqual([]);
  });
});
