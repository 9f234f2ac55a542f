import type { Fault } from '../fault.js';
import { lasting } from '../lasting.js';

/** Of 100 requests some are lost, some have their answer lost, some come late and some twice. */
export const badWeather: Fault = {
  name: 'bad weather',
  part: 'requests',
  async run({ weather }, dice, signal) {
    const before = weather.shareOf100;
    await lasting({
      begin: () => (weather.shareOf100 = 2 + dice.below(9)),
      ms: 1000 + dice.below(4000),
      signal,
      undo: () => (weather.shareOf100 = before),
    });
  },
};

/** Nothing is answered, and all arrives late, when its session may be over. */
export const storm: Fault = {
  name: 'storm',
  part: 'requests',
  async run({ weather }, dice, signal) {
    await lasting({
      begin: () => (weather.isStormy = true),
      ms: 300 + dice.below(1700),
      signal,
      undo: () => (weather.isStormy = false),
    });
  },
};
