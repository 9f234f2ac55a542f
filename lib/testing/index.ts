/// <reference types="node" preserve="true" />
export type { Faults } from './faults.js';
export {
  getTestStoreToken,
  HmEtcdTestingModule,
  type HmEtcdTestingOptions,
} from './hmetcd-testing.module.js';
export type { TestClock } from './test-clock.js';
export { TestStore } from './test-store.js';
