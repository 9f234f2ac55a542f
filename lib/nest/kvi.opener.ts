import type { Kvi } from '../kvi/kvi.js';
import { open } from '../kvi/open.js';
import type { ResolvedKviOptions } from '../kvi/options.js';
import { type Clock, systemClock } from '../store/clock.js';

/** Opens connections, and says by which time they and all that follows them go. */
export interface KviOpener {
  readonly clock: Clock;
  open(endpoint: string | readonly string[], options: ResolvedKviOptions): Promise<Kvi>;
}

export const defaultOpener: KviOpener = { clock: systemClock, open };
