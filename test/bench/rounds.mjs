import { Child } from './child.mjs';

/** Runs `use` with the contenders of one suite, each in a process of its own. */
export async function withContenders({ suite, contenders, endpoint, settings }, use) {
  const processes = new Map();
  try {
    for (const contender of contenders) {
      const args = [suite, contender, endpoint, JSON.stringify(settings)];
      processes.set(contender, new Child('processes/contender.mjs', args));
    }
    return await use(processes);
  } finally {
    await Promise.all([...processes.values()].map((child) => child.stop()));
  }
}

/**
 * The figures of each contender, one for each round. They take turns, so that noise hits all alike; every second
 * round goes the other way about.
 */
export async function measureRow(row, processes, settings, progress) {
  const rounds = Math.min(settings.rounds, row.mostRounds ?? Infinity);
  const figures = Object.fromEntries(row.contenders.map((contender) => [contender, []]));
  progress('gets ready');
  for (const contender of row.contenders) await processes.get(contender).ask({ step: 'begin', row });
  for (let round = 0; round < rounds; round++) {
    progress(`round ${round + 1} of ${rounds}`);
    for (const contender of round % 2 === 0 ? row.contenders : row.contenders.toReversed()) {
      figures[contender].push(await processes.get(contender).ask({ step: 'measure' }));
    }
  }
  for (const contender of row.contenders) await processes.get(contender).ask({ step: 'end' });
  return figures;
}
