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
  'listeners',
];

/**
 * What is to be measured: the rows of a suite that share a store, in the order in which they run.
 * Throws with the names of all rows when that is nothing.
 */
export async function chosenSuites(settings) {
  const suites = await Promise.all(
    SUITES.map(async (suite) => ({ suite, ...(await import(`./suites/${suite}.mjs`)) })),
  );
  const chosen = ['etcd', 'mem']
    .flatMap((store) =>
      suites.map(({ suite, rows, fill }) => ({
        suite,
        store,
        fill,
        rows: rows(settings).filter((row) => row.store === store && isChosen(row, settings)),
      })),
    )
    .filter(({ rows }) => rows.length > 0);
  if (chosen.length > 0) return chosen;
  const ids = suites.flatMap(({ rows }) => rows(settings).map(({ id }) => id));
  throw new Error(`--only must be a part of one of these names:\n${ids.join('\n')}`);
}

function isChosen({ id, targets }, { only, quick }) {
  if (only !== undefined) return only.some((text) => id.includes(text));
  return !quick || targets.length > 0;
}
