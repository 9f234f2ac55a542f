import { afterAll } from '@jest/globals';
import { stopAll } from './cleanup.js';

// Also after a test that failed before it could end what it started.
afterAll(stopAll);
