import { EventEmitter, once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SchedulerRegistry } from '@nestjs/schedule';
import { Test, type TestingModule } from '@nestjs/testing';
import { currentLock, type HeldLock, KviService, LockLostError } from 'nestjs-hmetcd';
import { AppModule } from '../../sample/app.module.js';
import type { NodeEntry } from '../../sample/heartbeats/node.entry.js';
import { NodesService } from '../../sample/heartbeats/nodes.service.js';
import { SweepService } from '../../sample/sweep/sweep.service.js';
import { LogLinesLogger } from './support/log-lines.logger.js';

/** Stands in for the nodes and parks each sweep inside its lock until it is let go. */
class ParkingNodes {
  readonly events = new EventEmitter();
  sweeps = 0;
  removals = 0;
  lock: HeldLock | undefined;

  async list(): Promise<NodeEntry[]> {
    this.sweeps++;
    this.lock = currentLock();
    this.events.emit('parked');
    await once(this.events, 'go');
    return [{ node: 'x0c0s1b0n0', status: 'stale', heartbeat: '1' }];
  }

  async remove(): Promise<boolean> {
    this.removals++;
    return true;
  }
}

interface Instance {
  readonly module: TestingModule;
  readonly nodes: ParkingNodes;
  readonly sweeper: SweepService;
}

async function startInstance(): Promise<Instance> {
  const nodes = new ParkingNodes();
  const builder = Test.createTestingModule({ imports: [AppModule.on('mem:sweep')] });
  const module = await builder
    .overrideProvider(NodesService)
    .useValue(nodes)
    .setLogger(new LogLinesLogger())
    .compile();
  await module.init();
  // Here the test says when to sweep.
  const registry = module.get(SchedulerRegistry);
  for (const name of registry.getIntervals()) registry.deleteInterval(name);
  return { module, nodes, sweeper: module.get(SweepService) };
}

/** @returns the sweep, wrapped so that it is not awaited with its beginning */
async function beginSweep({ nodes, sweeper }: Instance): Promise<{ readonly done: Promise<void> }> {
  const parked = once(nodes.events, 'parked');
  const done = sweeper.sweep();
  await parked;
  return { done };
}

describe('SweepService on two instances', () => {
  let first: Instance;
  let second: Instance;

  beforeEach(async () => {
    first = await startInstance();
    second = await startInstance();
  });

  afterEach(async () => {
    await Promise.all([first.module.close(), second.module.close()]);
  });

  it('skips its turn while the other one sweeps, and takes the next', async () => {
    for (const [sweeping, skipping] of [
      [first, second],
      [second, first],
    ] as const) {
      const before = skipping.nodes.sweeps;
      const { done } = await beginSweep(sweeping);
      await skipping.sweeper.sweep();
      expect(skipping.nodes.sweeps).toBe(before);

      sweeping.nodes.events.emit('go');
      await done;
      expect(sweeping.nodes.removals).toBe(1);
    }
  });

  it('writes nothing once it has lost its lock', async () => {
    const { nodes, module } = first;
    const { done } = await beginSweep(first);
    const lost = once(nodes.lock!.signal, 'abort');
    await module.get(KviService).delete(nodes.lock!.key);
    await lost;

    nodes.events.emit('go');
    await expect(done).rejects.toThrow(LockLostError);
    expect(nodes.removals).toBe(0);
  });
});
