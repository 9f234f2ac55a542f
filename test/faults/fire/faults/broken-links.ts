import type { CutKind } from '../../../support/etcd/link-rules.js';
import type { TcpProxy } from '../../../support/etcd/tcp-proxy.js';
import type { Dice } from '../../../support/random.mjs';
import type { Fault } from '../fault.js';
import { lasting } from '../lasting.js';

const ALL_OF_100 = 30;

/** Connections open and stay open, and what comes over them is lost. */
export const blackHole = brokenLinks('black hole', (link) => link.swallow());

/** Nothing comes, and all of it comes later: as TCP over a line that was down. */
export const halfOpen = brokenLinks('half-open', (link) => link.hold());

export const refused = brokenLinks('refused', (link) => link.refuse());

export const slow = brokenLinks('slow', (link, dice) => link.delay(20 + dice.below(281)));

export const reset = cutLinks('reset', 'rst');

export const ended = cutLinks('ended', 'fin');

/** Clients' links to one member, or for a shorter time to all. */
function brokenLinks(how: string, breakLink: (link: TcpProxy, dice: Dice) => unknown): Fault {
  return {
    name: `links ${how}`,
    part: 'links',
    async run({ links }, dice, signal) {
      const victims = someOf(links, dice);
      await lasting({
        begin: () => Promise.all(victims.map((link) => breakLink(link, dice))),
        ms: 200 + dice.below(victims.length > 1 ? 1700 : 3800),
        signal,
        undo: () => Promise.all(victims.map((link) => link.pass())),
      });
    },
  };
}

/** Who connects again is welcome. */
function cutLinks(how: string, kind: CutKind): Fault {
  return {
    name: `links ${how}`,
    part: 'links',
    run: ({ links }, dice) => {
      for (const link of someOf(links, dice)) link.cut(kind);
      return Promise.resolve();
    },
  };
}

function someOf(links: readonly TcpProxy[], dice: Dice): readonly TcpProxy[] {
  return dice.percent(ALL_OF_100) ? links : [dice.pick(links)];
}
