// node with-etcd.mjs COMMAND...: runs it with an etcd at HMETCD_ENDPOINT, which is gone after it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { withEtcd } from '../../test/bench/etcd-server.mjs';
import { findEtcd } from '../../test/support/etcd/find-etcd.mjs';

const [command, ...args] = process.argv.slice(2);
const { etcd } = await findEtcd();

process.exitCode = await withEtcd(etcd, async (endpoint) => {
  const env = { ...process.env, HMETCD_ENDPOINT: endpoint };
  const [code] = await once(spawn(command, args, { env, stdio: 'inherit' }), 'exit');
  return code ?? 1;
});
