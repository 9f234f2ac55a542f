import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import { KviService, LockLostError } from 'nestjs-hmetcd';
import { HmEtcdTestingModule, TestStore } from 'nestjs-hmetcd/testing';
import { AppModule, Billing } from './billing.js';

let app: TestingModule;
let store: TestStore;

beforeEach(async () => {
  const imports = [AppModule, HmEtcdTestingModule.replaceStores()];
  app = await Test.createTestingModule({ imports }).compile();
  app.useLogger(false);
  await app.init();
  store = app.get(TestStore);
});

afterEach(() => app.close());

it('stops billing when its lock is lost, and says so', async () => {
  const billed: string[] = [];
  const billing = app.get(Billing).billAll(['anna', 'ben', 'cleo'], async (customer) => {
    billed.push(customer);
    if (customer === 'ben') await store.faults.loseLease();
  });
  await expect(billing).rejects.toThrow(LockLostError);
  expect(billed).toEqual(['anna', 'ben']);
});

it('learns the present currency, although changes on the way there were missed', async () => {
  const kvi = app.get(KviService);
  store.faults.cutWatches();
  await kvi.store('config/currency', 'GBP');
  await kvi.store('config/currency', 'CHF');
  store.compact(); // what the watch has missed is gone
  store.faults.restoreWatches();
  await store.clock.advance(0); // everything that this leads to is done
  expect(app.get(Billing).currency).toBe('CHF');
});
