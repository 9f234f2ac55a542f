/**
 * Runs the tests on each Node and each Nest that the package is for, and those that need an etcd on each etcd:
 * `node test/matrix/run.mjs`. Its stdout is a table in Markdown. All of it takes hours; a part is chosen with
 * `--node 20.19.2,22,24 --nest 11,12 --etcd bookworm,trixie,sid --tests mem,etcd,nest-etcd`, where an etcd is the one of a
 * Debian suite.
 */
import { parseArgs } from 'node:util';
import { findEtcd } from '../support/etcd/find-etcd.mjs';
import { checkoutWithNest, nestVersion } from './nest.mjs';
import { nodeBinary } from './node-binary.mjs';
import { runTests } from './tests.mjs';

const NEEDS_NO_ETCD = 'mem';

const { values } = parseArgs({
  options: {
    node: { type: 'string', default: '20.19.2,22,24' },
    nest: { type: 'string', default: '11,12' },
    etcd: { type: 'string', default: 'bookworm,trixie,sid' },
    tests: { type: 'string', default: 'mem,etcd,nest-etcd' },
  },
});
const chosen = Object.fromEntries(Object.entries(values).map(([name, list]) => [name, list.split(',')]));

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stopping.abort(new Error(signal)));

const nodes = [];
for (const version of chosen.node) nodes.push(await nodeBinary(version));

console.log(
  '| tests | Node | Nest | etcd | passed | failed | minutes |\n| --- | --- | --- | --- | ---: | ---: | ---: |',
);
for (const major of chosen.nest) await onNest(major);

async function onNest(major) {
  const checkout = await checkoutWithNest(major);
  try {
    const nest = await nestVersion(checkout.folder);
    for (const node of nodes) {
      for (const project of chosen.tests) await onEtcds({ project, node, nest, folder: checkout.folder });
    }
  } finally {
    await checkout.remove();
  }
}

async function onEtcds({ project, node, nest, folder }) {
  for (const suite of project === NEEDS_NO_ETCD ? [undefined] : chosen.etcd) {
    const etcd = suite === undefined ? 'none' : (await findEtcd(suite)).version;
    console.error(`\n=== ${project}: Node ${node.version}, Nest ${nest}, etcd ${etcd}`);
    const counts = await runTests(project, { folder, node, suite, signal: stopping.signal });
    printRow([project, node.version, nest, etcd], counts);
  }
}

function printRow(what, { passed, failed, seconds, trouble }) {
  const failures = trouble === undefined ? failed : `${failed}, ${trouble}`;
  console.log(`| ${[...what, passed, failures, (seconds / 60).toFixed(1)].join(' | ')} |`);
  if (failures !== 0) process.exitCode = 1;
}
