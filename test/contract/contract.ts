import { describe } from '@jest/globals';
import { type Backend, Fixture } from './backend.js';
import { badInputContract } from './bad-input.contract.js';
import { changesContract } from './changes.contract.js';
import { closeContract } from './close.contract.js';
import { conditionsContract } from './conditions.contract.js';
import { distLockContract } from './dist-lock.contract.js';
import { fencedWritesContract } from './fenced-writes.contract.js';
import { healthContract } from './health.contract.js';
import { keysContract } from './keys.contract.js';
import { lockInfoContract } from './lock-info.contract.js';
import { lockContract } from './lock.contract.js';
import { observeContract } from './observe.contract.js';
import { telemetryContract } from './telemetry.contract.js';
import { tempKeysContract } from './temp-keys.contract.js';
import { watchContract } from './watch.contract.js';
import { withLockContract } from './with-lock.contract.js';

const CHAPTERS = {
  keys: keysContract,
  conditions: conditionsContract,
  watch: watchContract,
  changes: changesContract,
  observe: observeContract,
  lock: lockContract,
  'fenced writes': fencedWritesContract,
  lockInfo: lockInfoContract,
  withLock: withLockContract,
  distLock: distLockContract,
  tempKeys: tempKeysContract,
  health: healthContract,
  telemetry: telemetryContract,
  close: closeContract,
  'bad input': badInputContract,
};

/** What every store must keep. A store is named by the spec file that hands it in. */
export function describeContract(backend: Backend): void {
  describe.each(Object.entries(CHAPTERS))(`the contract on ${backend.name}: %s`, (_chapter, contract) => {
    contract(new Fixture(backend));
  });
}
