import type { Fault } from '../fault.js';
import { lasting, pause } from '../lasting.js';

export const killedClient: Fault = {
  name: 'client killed',
  part: 'clients',
  async run({ processes }, dice) {
    await dice.pick(processes).kill();
  },
};

/** Longer than its sessions last, at times: it holds what others have been given meanwhile. */
export const stoppedClient: Fault = {
  name: 'client stopped',
  part: 'clients',
  async run({ processes }, dice, signal) {
    const victim = dice.pick(processes);
    await lasting({
      begin: () => victim.stop(),
      ms: 300 + dice.below(5700),
      signal,
      undo: () => victim.goOn(),
    });
  },
};

/** Its timers are late and its answers are unread, and its connections are kept by the system. */
export const blockedClient: Fault = {
  name: 'client blocked',
  part: 'clients',
  async run({ processes }, dice, signal) {
    const ms = 200 + dice.below(2800);
    dice.pick(processes).block(ms);
    await pause(ms, signal);
  },
};
