import { randomUUID } from 'node:crypto';
import { open } from '../../lib/kvi/open.js';
import { MemoryStore, memoryDatabase } from '../../lib/store/memory/memory-store.js';
import { describeContract } from './contract.js';

describeContract({
  name: 'mem:',
  async create() {
    const name = randomUUID();
    const store = new MemoryStore(memoryDatabase(name));
    return { open: (options) => open(`mem:${name}`, options), store, dispose: () => store.close() };
  },
});
