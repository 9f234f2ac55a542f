import { randomUUID } from 'node:crypto';
import { open } from '../../lib/kvi/open.js';
import { MemoryStore, memoryDatabase } from '../../lib/store/memory/memory-store.js';
import { describeContract } from './contract.js';

describeContract({
  name: 'mem:',
  async create() {
    const name = randomUUID();
    const endpoint = `mem:${name}`;
    const store = new MemoryStore(memoryDatabase(name));
    return { endpoint, open: (options) => open(endpoint, options), store, dispose: () => store.close() };
  },
});
