import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const MODULE = new URL('../support/etcd/find-etcd.mjs', import.meta.url).href;
const SCRIPT = `console.log(JSON.stringify(await (await import(${JSON.stringify(MODULE)})).findEtcd()))`;

describe('the search for an etcd', () => {
  let machine: string;

  beforeEach(async () => {
    machine = await mkdtemp(join(tmpdir(), 'hmetcd-find-'));
    await mkdir(join(machine, 'bin'));
  });

  afterEach(() => rm(machine, { recursive: true }));

  async function install(name: string, version: string): Promise<string> {
    const path = join(machine, 'bin', name);
    await writeFile(path, `#!/bin/sh\necho "etcd Version: ${version}"\n`, { mode: 0o755 });
    return path;
  }

  /** On a machine that has nothing but what was installed: no apt-get either. */
  async function find(env: NodeJS.ProcessEnv = {}): Promise<unknown> {
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', SCRIPT], {
      env: { PATH: join(machine, 'bin'), ETCD_CACHE: join(machine, 'cache'), ...env },
    });
    return JSON.parse(stdout);
  }

  it('takes ETCD_BIN, however old', async () => {
    await install('etcd', '3.5.16');
    const old = await install('old', '3.4.23');
    expect(await find({ ETCD_BIN: old })).toMatchObject({ etcd: old, version: '3.4.23' });
  });

  it.each(['3.5.13', '3.6.0', '4.0.1'])('takes %s from the PATH', async (version) => {
    const etcd = await install('etcd', version);
    const etcdctl = await install('etcdctl', version);
    expect(await find()).toEqual({ etcd, etcdctl, version });
  });

  it.each(['3.5.12', '3.4.30', '2.9.99'])(
    'does not take %s from the PATH, and says what to install',
    async (version) => {
      await install('etcd', version);
      await expect(find()).rejects.toThrow(
        /3\.5\.13 or newer.*Debian.*Fedora.*macOS.*Docker.*ETCD_BIN=.*test:mem/s,
      );
    },
  );

  it('takes the etcd that is given for a suite', async () => {
    await install('etcd', '3.5.16');
    const old = await install('old', '3.4.23');
    expect(await find({ ETCD_SUITE: 'bookworm', ETCD_BIN_BOOKWORM: old })).toMatchObject({
      version: '3.4.23',
    });
  });

  it('does not take another etcd than that of the suite', async () => {
    await install('etcd', '3.5.16');
    await expect(find({ ETCD_SUITE: 'bookworm' })).rejects.toThrow(/suite bookworm.*ETCD_BIN_BOOKWORM=/s);
  });
});
