import { createRequire } from 'node:module';
import { Test, TestingModule } from '@nestjs/testing';
import { HmEtcdModule, KviService } from 'nestjs-hmetcd';
import { AppModule, Reports } from './quick-start.js';

async function startReplica(): Promise<TestingModule> {
  const replica = await Test.createTestingModule({ imports: [AppModule] }).compile();
  return replica.init();
}

describe('Reports, two replicas on one store', () => {
  let replicas: TestingModule[];
  let reports: Reports[];
  let kvi: KviService;

  beforeEach(async () => {
    replicas = [await startReplica(), await startReplica()];
    reports = replicas.map((replica) => replica.get(Reports));
    kvi = replicas[0].get(KviService);
    await kvi.delete('reports/written');
  });

  afterEach(async () => {
    await Promise.all(replicas.map((replica) => replica.close()));
  });

  it('writes every number once', async () => {
    const calls = Array.from({ length: 20 }, (_, n) => reports[n % 2].writeNext());
    const written = await Promise.all(calls);
    expect(written.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
    expect(await replicas[1].get(KviService).get('reports/written')).toBe('20');
  });

  it('waits for a lock that another replica holds', async () => {
    let written: Promise<number>;
    {
      await using lock = await kvi.lock('reports', { timeoutSec: 1 });
      written = reports[1].writeNext();
      await kvi.store('reports/written', '41');
      lock.assertHeld();
    }
    expect(await written).toBe(42);
  });

  it('follows a key', async () => {
    const change = kvi.watch('config/rows-per-report');
    await replicas[1].get(KviService).store('config/rows-per-report', '5');
    expect(await change).toMatchObject({ key: 'config/rows-per-report', value: '5' });
    while (reports.some(({ rowsPerReport }) => rowsPerReport !== 5)) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
});

it('has one copy of the package', () => {
  const required = createRequire(`${process.cwd()}/package.json`)('nestjs-hmetcd') as {
    HmEtcdModule: unknown;
  };
  expect(required.HmEtcdModule).toBe(HmEtcdModule);
});
