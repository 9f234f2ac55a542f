export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testRegex: '\\.spec\\.ts$',
  // Applications with a Jest of their own: see .ci/run.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/consumers/'],
  reporters: ['default', '<rootDir>/test/support/stores.reporter.mjs'],
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
  collectCoverageFrom: ['lib/**/*.ts'],
};
