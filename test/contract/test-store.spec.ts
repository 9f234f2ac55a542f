import { TestStore } from '../../lib/testing/test-store.js';
import { describeContract } from './contract.js';

describeContract({
  name: 'a TestStore without faults',
  async create() {
    const testStore = new TestStore();
    const store = testStore.connect();
    return {
      endpoint: 'mem:',
      open: (options) => testStore.open(options),
      store,
      dispose: () => store.close(),
    };
  },
});
