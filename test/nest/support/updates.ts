import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { FromKey, HmEtcdModule, type LiveValue } from '../../../lib/index.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { close, start } from './apps.js';
import { openOn, type Place } from './stores.js';

const KEY = 'config/limits';
const Limits = z.object({ number: z.number().int().nonnegative() });

@Injectable()
class Service {
  constructor(@FromKey(KEY, { parse: Limits }) readonly limits: LiveValue<z.infer<typeof Limits>>) {}
}

const invalid = ['', 'no JSON', 'null', '{}', '{"number": -1}', '{"number": "1"}', '{"number": 1.5}'];

export interface Outcome {
  /** Each value that was seen: by looking after each update, and by `onChange`. */
  readonly looked: number[];
  readonly told: number[];
  /** The numbers of the good updates. */
  readonly valid: number[];
  /** Where `sync()` was followed by another value than the last good one. */
  readonly behind: number[];
  readonly logged: number;
  readonly refused: number;
}

/** Updates a key by another handle, some of them with what cannot be a value, and looks at the value after each. */
export async function update(place: Place, updates: number): Promise<Outcome> {
  const kvi = await openOn(place);
  await kvi.store(KEY, '{"number": 0}');
  const logger = new RecordingLogger();
  const app = await start({ imports: [HmEtcdModule.forRoot({ ...place, logger })], providers: [Service] });
  const { limits } = app.get(Service);
  const [looked, told, valid, behind]: [number[], number[], number[], number[]] = [[], [], [0], []];
  limits.onChange(({ number }) => told.push(number));
  for (let number = 1; number <= updates; number++) {
    const isValid = Math.random() < 0.6;
    await kvi.store(KEY, isValid ? JSON.stringify({ number }) : invalid[number % invalid.length]!);
    if (isValid) valid.push(number);
    looked.push(limits.value.number);
    // An embedded store may answer without one, and then nothing else would have its turn.
    if (number % 3 === 0) await eventLoopTurn();
    if (number % 10 !== 0) continue;
    await limits.sync();
    if (limits.value.number !== valid.at(-1)) behind.push(number);
  }
  const logged = logger.at('error').filter((line) => line.includes(KEY)).length;
  await close(app);
  await kvi.close();
  return { looked, told, valid, behind, logged, refused: updates + 1 - valid.length };
}
