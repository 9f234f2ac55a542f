import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { KviService } from 'nestjs-hmetcd';
import { AppModule } from '../../sample/app.module.js';
import { parseLimits } from '../../sample/limits/limits.parser.js';
import { LimitsService } from '../../sample/limits/limits.service.js';
import { LogLinesLogger } from './support/log-lines.logger.js';

const GOOD = { staleAfterMs: 10, removeStaleAfterMs: 20 };

describe('parseLimits', () => {
  it('reads what PUT /limits stores', async () => {
    await expect(parseLimits(JSON.stringify(GOOD))).resolves.toEqual(GOOD);
  });

  it.each(['', 'no json', 'null', '5', '"text"', '[]', '[{}]', '{}', '{"staleAfterMs":10}'])(
    'refuses %j',
    async (text) => {
      await expect(parseLimits(text)).rejects.toThrow(Error);
    },
  );

  it('says what is wrong', async () => {
    await expect(parseLimits('{"staleAfterMs":1,"removeStaleAfterMs":"1"}')).rejects.toThrow(
      'removeStaleAfterMs must be an integer number',
    );
  });
});

describe('LimitsService', () => {
  let app: INestApplicationContext;
  let logger: LogLinesLogger;
  let kvi: KviService;
  let limits: LimitsService;

  async function start(): Promise<void> {
    logger = new LogLinesLogger();
    app = await NestFactory.createApplicationContext(AppModule.on('mem:limits'), { logger });
    kvi = app.get(KviService);
    limits = app.get(LimitsService);
  }

  beforeEach(start);
  afterEach(async () => {
    await kvi.delete('config/limits');
    await app.close();
  });

  it('keeps the last good limits when a bad value is stored, and says so', async () => {
    await kvi.store('config/limits', JSON.stringify(GOOD));
    await kvi.store('config/limits', '{"staleAfterMs":"soon"}');
    await logger.lines.waitFor(
      /ERROR Bad value in config\/limits, the last good one stays: .*staleAfterMs must be/,
    );
    expect(limits.current).toEqual(GOOD);
  });

  it('keeps the last limits when the key is deleted', async () => {
    await kvi.store('config/limits', JSON.stringify(GOOD));
    await kvi.delete('config/limits');
    await kvi.store('config/limits', 'bad');
    await logger.lines.waitFor(/ERROR Bad value/);
    expect(limits.current).toEqual(GOOD);
  });

  it('starts with what is stored and not with the defaults', async () => {
    await kvi.store('config/limits', JSON.stringify(GOOD));
    await app.close();
    await start();
    expect(limits.current).toEqual(GOOD);
  });
});
