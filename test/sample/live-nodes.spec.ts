import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import { HmEtcdModule, KviService } from 'nestjs-hmetcd';
import { filter, firstValueFrom } from 'rxjs';
import { NodesService } from '../../sample/heartbeats/nodes.service.js';
import { LiveNodes } from '../../sample/page/live-nodes.js';
import type { NodeChange } from '../../sample/page/page.events.js';

const NODE = 'x0c0s1b0n0';

describe('LiveNodes', () => {
  let module: TestingModule;
  let kvi: KviService;
  let service: NodesService;
  let nodes: LiveNodes;

  beforeEach(async () => {
    module = await Test.createTestingModule({
      imports: [HmEtcdModule.forRoot(`mem:${randomUUID()}`)],
      providers: [NodesService],
    }).compile();
    await module.init();
    kvi = module.get(KviService);
    service = module.get(NodesService);
  });

  afterEach(async () => {
    await nodes.close();
    await module.close();
  });

  function change(isIt: (change: NodeChange) => boolean): Promise<NodeChange> {
    return firstValueFrom(nodes.changes.pipe(filter(isIt)));
  }

  it('lists the nodes that were there before', async () => {
    await service.beat(NODE);
    nodes = await LiveNodes.follow(kvi);
    expect(nodes.list()).toEqual([
      { node: NODE, status: 'alive', lastHeartbeat: expect.stringMatching(/^\d{4}-.*Z$/) },
    ]);
  });

  it('tells of a node that reports, of one that goes stale, and of one that goes', async () => {
    nodes = await LiveNodes.follow(kvi);
    const reported = change(({ view }) => view !== undefined);
    await service.beat(NODE);
    expect(await reported).toMatchObject({ node: NODE, view: { node: NODE, status: 'alive' } });

    const stale = change(({ view }) => view?.status === 'stale');
    await kvi.store(`status/${NODE}`, 'stale');
    expect(await stale).toMatchObject({ node: NODE });

    const gone = change(({ view }) => view === undefined);
    await service.remove((await service.list())[0]!);
    expect(await gone).toMatchObject({ node: NODE });
    expect(nodes.list()).toEqual([]);
  });

  it('tells of every report, also of a node that stays what it is', async () => {
    await service.beat(NODE);
    nodes = await LiveNodes.follow(kvi);
    const told = change(({ view }) => view?.lastHeartbeat === '2001-09-09T01:46:40.000Z');
    await kvi.store(`heartbeat/${NODE}`, '1000000000000');
    expect(await told).toMatchObject({ view: { status: 'alive' } });
  });

  it.each(['', 'soon', '1e300'])('does not show a node whose heartbeat is %j', async (heartbeat) => {
    await kvi.store(`status/${NODE}`, 'alive');
    await kvi.store(`heartbeat/${NODE}`, heartbeat);
    nodes = await LiveNodes.follow(kvi);
    expect(nodes.list()).toEqual([]);
    expect(await service.list()).toHaveLength(1);
  });
});
