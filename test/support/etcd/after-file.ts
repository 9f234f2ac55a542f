import { afterAll, jest } from '@jest/globals';
import { stopAll } from './cleanup.js';

// Servers start, fail and elect leaders on machines with other work to do.
jest.setTimeout(60_000);

// Also after a test that failed before it could end what it started.
afterAll(stopAll);
