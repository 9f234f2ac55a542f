const common = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  extensionsToTreatAsEsm: ['.ts'],
  // Sources import './x.js' (NodeNext); the file on disk is './x.ts'.
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        sourceMaps: 'inline',
        module: { type: 'es6' },
        jsc: {
          target: 'es2022',
          keepClassNames: true,
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: true },
        },
      },
    ],
  },
};

/** But for the checkers of what they have recorded, which are checked themselves. */
const FAULTS = '/test/faults/(?!checkers/)';

const NEEDS_ETCD = ['/test/etcd/', FAULTS, '[/.]etcd\\.spec\\.ts$'];

/** What of the Nest floor a store has a part in; the rest is decoration, discovery and injection. */
const NEST_ON_STORES =
  '/test/nest/(connection\\.lifecycle|dist-locked\\.(contention|interop|method)|election\\.orchestrator|from-key\\.(provider|updates)|hmetcd\\.module|instance\\.marker|key-change\\.subscription|kvi\\.service|membership|on-key-change\\.initial|shutdown)\\.spec\\.ts$';

/** Chromium may be missing: not a part of `npm test`. */
const NEEDS_BROWSER = '[.]browser\\.spec\\.ts$';

const withEtcd = {
  ...common,
  globalSetup: '<rootDir>/test/support/etcd/global-setup.mjs',
  setupFilesAfterEnv: ['<rootDir>/test/support/etcd/after-file.ts'],
};

export default {
  // Most tests wait for servers. By default Jest leaves a core to itself: on two cores it would run one file at a time.
  maxWorkers: '100%',
  // Servers start, fail and elect leaders, on machines with other work to do. Jest reads it here, not in a project.
  testTimeout: 60_000,
  // A busy machine may need more than the second that Jest waits before it says that something is left open.
  openHandlesTimeout: 5000,
  collectCoverageFrom: ['lib/**/*.ts'],
  reporters: ['default', '<rootDir>/test/support/stores.reporter.mjs'],
  // Jest runs a project's global setup only with a test of that project: what needs no etcd looks for none.
  projects: [
    {
      ...common,
      displayName: 'mem',
      testRegex: '\\.spec\\.ts$',
      testPathIgnorePatterns: ['/node_modules/', ...NEEDS_ETCD, NEEDS_BROWSER],
    },
    {
      ...withEtcd,
      displayName: 'etcd',
      testRegex: ['/test/etcd/.*\\.spec\\.ts$', '[/.]etcd\\.spec\\.ts$'],
      testPathIgnorePatterns: ['/node_modules/', '/test/nest/'],
    },
    {
      ...withEtcd,
      displayName: 'nest-etcd',
      testRegex: ['/test/nest/(.*\\.)?etcd\\.spec\\.ts$', NEST_ON_STORES],
      setupFilesAfterEnv: [...withEtcd.setupFilesAfterEnv, '<rootDir>/test/nest/support/on-etcd.ts'],
    },
    // Servers that are killed, stopped and flooded: minutes, not seconds.
    { ...withEtcd, displayName: 'faults', testRegex: `${FAULTS}.*\\.spec\\.ts$` },
    { ...withEtcd, displayName: 'page', testRegex: NEEDS_BROWSER },
  ],
};
