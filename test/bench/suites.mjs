const SUITES = [
  'operations',
  'ranges',
  'scan',
  'locks',
  'hand-over',
  'watch-latency',
  'fan-out',
  'attach',
  'watch-memory',
  'start-up',
  'memory-ranges',
];

/** What is to be measured: the rows of a suite that share a store, in the order in which they run. */
export async function chosenSuites(settings) {
  const suites = await Promise.all(
    SUITES.map(async (suite) => ({ suite, ...(await import(`./suites/${suite}.mjs`)) })),
  );
  return ['etcd', 'mem']
    .flatMap((store) =>
      suites.map(({ suite, rows, fill }) => ({
        suite,
        store,
        fill,
        rows: rows(settings).filter((row) => row.store === store && isChosen(row, settings)),
      })),
    )
    .filter(({ rows }) => rows.length > 0);
}

function isChosen({ id, isExtra }, { only, quick }) {
  if (only !== undefined) return only.some((text) => id.includes(text));
  return !(quick && isExtra);
}
