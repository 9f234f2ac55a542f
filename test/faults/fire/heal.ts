import type { Stage } from './fault.js';
import { insistOnCtl } from './insist.js';

/** Whatever may have been left: all members run and hear each other, all lines pass, nobody is stopped. */
export async function heal(stage: Stage): Promise<void> {
  const { cluster, links, processes, weather } = stage;
  for (const process of processes) process.goOn();
  weather.isStormy = false;
  weather.shareOf100 = 0;
  await Promise.all(links.map((link) => link.pass()));
  await cluster.heal();
  for (const member of cluster.members) {
    await member.disk?.thaw();
    member.resume();
    if (!member.isRunning) await member.relaunch();
  }
  await cluster.whenHealthy();
  await insistOnCtl(stage, ['alarm', 'disarm']);
}
