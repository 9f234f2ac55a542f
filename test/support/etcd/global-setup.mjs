import { findEtcd, OLD_SUITE } from './find-etcd.mjs';

/** Finds etcd once, before the workers start, and names it in the output. */
export default async function findEtcdOnce() {
  const { etcd, version } = await findEtcd();
  process.env.ETCD_BIN = etcd;
  // What was asked for is found; a suite would win over ETCD_BIN.
  delete process.env.ETCD_SUITE;
  // What has to be fetched would take of the time of a test. One that needs it will tell why it is not there.
  await findEtcd(OLD_SUITE).catch(() => {});
  process.stdout.write(`\nStores under test: mem: and etcd ${version} (${etcd})\n`);
}
