import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import { HmEtcdModule, KviService } from 'nestjs-hmetcd';
import { firstValueFrom, lastValueFrom, skipWhile, toArray } from 'rxjs';
import { LiveAnswer } from '../../sample/page/live-answer.js';
import { LogLinesLogger } from './support/log-lines.logger.js';

describe('LiveAnswer', () => {
  let module: TestingModule;
  let kvi: KviService;
  let logger: LogLinesLogger;
  let answer: LiveAnswer<string | undefined> | undefined;

  beforeEach(async () => {
    logger = new LogLinesLogger();
    module = await Test.createTestingModule({ imports: [HmEtcdModule.forRoot(`mem:${randomUUID()}`)] })
      .setLogger(logger)
      .compile();
    await module.init();
    kvi = module.get(KviService);
  });

  afterEach(async () => {
    await answer?.close();
    await module.close();
  });

  function until(value: string): Promise<unknown> {
    return firstValueFrom(answer!.answers.pipe(skipWhile((one) => one !== value)));
  }

  it('has an answer from the start, and a new one after a change under the prefix', async () => {
    await kvi.store('a/1', 'first');
    answer = await LiveAnswer.follow(kvi, 'a/', () => kvi.get('a/1'));
    expect(await firstValueFrom(answer.answers)).toBe('first');
    await kvi.store('a/1', 'second');
    await until('second');
  });

  it('asks one question at a time, and once more for all changes meanwhile', async () => {
    const events = new EventEmitter();
    let asked = 0;
    let atOnce = 0;
    answer = await LiveAnswer.follow(kvi, 'a/', async () => {
      asked++;
      atOnce++;
      expect(atOnce).toBe(1);
      if (asked === 2) {
        events.emit('asked');
        await once(events, 'go');
      }
      atOnce--;
      return kvi.get('a/1');
    });
    const began = once(events, 'asked');
    await kvi.store('a/1', '0');
    await began;
    for (let i = 1; i <= 10; i++) await kvi.store('a/1', String(i));
    const view = await kvi.observe('a/1');
    await view.sync();
    events.emit('go');
    await until('10');
    expect(asked).toBeLessThan(6);
  });

  it('asks again after a failure, without a change to remind of it', async () => {
    let asked = 0;
    answer = await LiveAnswer.follow(kvi, 'a/', async () => {
      asked++;
      if (asked === 2) throw new Error('no store');
      return kvi.get('a/1');
    });
    await kvi.store('a/1', 'seen');
    await until('seen');
    expect(logger.lines.text).toContain('WARN Asked again in 1000 ms: Error: no store');
  });

  it('ends its answers when it is closed, and asks no more', async () => {
    let asked = 0;
    const counted = await LiveAnswer.follow(kvi, 'a/', async () => ++asked);
    const all = lastValueFrom(counted.answers.pipe(toArray()));
    await counted.close();
    await kvi.store('a/1', 'late');
    expect(await all).toEqual([1]);
    expect(asked).toBe(1);
  });
});
