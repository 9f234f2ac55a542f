import { describe, expect, it } from '@jest/globals';
import { readSettings } from '../../sample/settings.js';
import { StartError } from '../../sample/start.error.js';

describe('readSettings', () => {
  it('has a default for everything', () => {
    expect(readSettings([], {})).toEqual({ port: 3000, endpoint: 'mem:', nodes: 5 });
  });

  it('reads arguments and environment', () => {
    const env = { PORT: '0', HMETCD_ENDPOINT: 'http://h:2379' };
    expect(readSettings(['--nodes', '0'], env)).toEqual({ port: 0, endpoint: 'http://h:2379', nodes: 0 });
  });

  it('takes an empty variable for one that is not set', () => {
    expect(readSettings([], { PORT: '', HMETCD_ENDPOINT: '' })).toEqual(readSettings([], {}));
  });

  it.each([
    { args: ['--nodes', 'many'], message: "--nodes must be a whole number from 0 to 1000, not 'many'" },
    { args: ['--nodes=-1'], message: "--nodes must be a whole number from 0 to 1000, not '-1'" },
    { args: ['--nodes='], message: "--nodes must be a whole number from 0 to 1000, not ''" },
    { args: ['--nodes', '1001'], message: 'from 0 to 1000' },
    { args: ['--nodes'], message: "'--nodes <value>' argument missing" },
    { args: ['--node', '1'], message: "Unknown option '--node'" },
    { args: ['5'], message: "Unexpected argument '5'" },
    { env: { PORT: '65536' }, message: "PORT must be a whole number from 0 to 65535, not '65536'" },
    { env: { PORT: '1e3' }, message: "not '1e3'" },
  ])('refuses with: $message', ({ args = [], env = {}, message }) => {
    const read = (): unknown => readSettings(args, env);
    expect(read).toThrow(StartError);
    expect(read).toThrow(message);
  });
});
