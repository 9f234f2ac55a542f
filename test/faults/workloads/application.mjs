import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Cron, ScheduleModule } from '@nestjs/schedule';
import {
  DistLocked,
  HmEtcdError,
  HmEtcdModule,
  KviService,
  LockLostError,
  OnDeposed,
  OnElected,
} from 'nestjs-hmetcd';
import { Dice } from '../../support/random.mjs';
import { announce, config, Journal, machineMs, onFinish } from './child.mjs';

// One replica of a Nest application: it stands for election, has jobs for every second, announces itself and follows who
// else is there. Written without decorators, as Node runs it.

const LEADER = 'fire/leader';
const RESOURCES = 3;
const LONGEST_ROUND_MS = 150;
const LONGEST_TOUR_MS = 3000;
const FAREWELL_MS = 50;

const LAST_TICK = 'app/last-tick';
const JOB_MS = 20;
const EVERY_SECOND = '* * * * * *';
const GUARD = { name: 'app/guarded', onTimeout: 'skip', minHoldSec: 0.5 };

const LOOK_MS = 250;
const RETRY_MS = 200;

const dice = new Dice(config.seed);

/** The terms of this replica, as a history of the lock that makes its holder the leader. */
class Terms {
  #journal = new Journal('terms');
  #operations = 0;

  elected({ fencingToken }) {
    this.#at('acquire', null, fencingToken);
  }

  /** At a shutdown the lock is held until the methods of the term have ended. */
  aborted({ fencingToken, signal }) {
    if (signal.reason instanceof LockLostError) this.#at('lost', fencingToken, null);
  }

  ended({ fencingToken }) {
    this.#at('release', fencingToken, null);
  }

  asserted(term) {
    const invokedAt = machineMs();
    const ok = isHeld(term);
    this.#note('assert', term.fencingToken, ok, invokedAt, machineMs());
  }

  #at(op, input, ok) {
    const now = machineMs();
    this.#note(op, input, ok, now, now);
  }

  #note(op, input, ok, invokedAt, returnedAt) {
    const id = `${config.process}/term/${++this.#operations}`;
    this.#journal.note({ id, client: `${config.process}.1`, op, key: LEADER, input, invokedAt });
    this.#journal.note({ id, returnedAt, outcome: { ok } });
  }
}

function isHeld(term) {
  try {
    term.assertHeld();
    return true;
  } catch {
    return false;
  }
}

class Candidate {
  #terms = new Terms();
  #methods = 0;
  #writes = 0;

  lead(term) {
    this.#terms.elected(term);
    term.signal.addEventListener('abort', () => this.#terms.aborted(term));
    return this.#during(term, async () => {
      while (!term.signal.aborted) {
        await sleep(dice.below(LONGEST_ROUND_MS));
        this.#terms.asserted(term);
        await inAnyWeather(() => this.#write(term));
      }
    });
  }

  /** Ends before the term does, or ignores its signal for a while: neither gives anything away. */
  tour(term) {
    return this.#during(term, () => sleep(dice.below(LONGEST_TOUR_MS)));
  }

  stepDown(term) {
    return this.#during(term, () => sleep(dice.below(FAREWELL_MS)));
  }

  async #during(term, work) {
    this.#methods++;
    await work();
    if (--this.#methods === 0 && term.signal.aborted) this.#terms.ended(term);
  }

  async #write(term) {
    const value = { token: term.fencingToken, by: config.process, count: ++this.#writes };
    await term.kv.store(`app/fenced/${dice.below(RESOURCES)}`, JSON.stringify(value));
  }
}
decorate(Candidate, 'lead', [OnElected(LEADER)]);
decorate(Candidate, 'tour', [OnElected(LEADER)]);
decorate(Candidate, 'stepDown', [OnDeposed(LEADER)]);
Injectable()(Candidate);

class Jobs {
  #journal = new Journal('ticks');
  #kvi;

  constructor(kvi) {
    this.#kvi = kvi;
  }

  /** Once per tick, as long as no replica comes to it half a second after another. */
  async guarded() {
    this.#ran('guarded', Date.now());
    await sleep(JOB_MS);
  }

  /** At most once per tick, whatever happens: the store knows the last that was taken. */
  async noted() {
    const ms = Date.now();
    if (await this.#isFirst(String(tickAt(ms)))) this.#ran('noted', ms);
  }

  async #isFirst(tick) {
    if (await this.#kvi.createIfAbsent(LAST_TICK, tick)) return true;
    return this.#kvi.transaction(LAST_TICK, '<', tick, LAST_TICK, tick);
  }

  #ran(job, ms) {
    const tick = tickAt(ms);
    this.#journal.note({ job, tick, lateMs: ms - tick * 1000, process: config.process, at: machineMs() });
  }
}
decorate(Jobs, 'guarded', [Cron(EVERY_SECOND), DistLocked(0, GUARD)]);
decorate(Jobs, 'noted', [Cron(EVERY_SECOND)]);
Inject(KviService)(Jobs, undefined, 0);
Injectable()(Jobs);

class App {
  name = 'application';
}
const silent = () => {};
const { endpoints, requestTimeoutMs, sessionTtlSec, auth } = config;
Module({
  imports: [
    ScheduleModule.forRoot(),
    HmEtcdModule.forRoot({
      endpoint: endpoints,
      requestTimeoutMs,
      sessionTtlSec,
      auth,
      instance: { prefix: 'app/instances/', id: config.process },
      logger: { debug: silent, log: silent, warn: silent, error: silent },
    }),
  ],
  providers: [Candidate, Jobs],
})(App);

/** A job's error comes here. */
const logger = { log: silent, warn: silent, error: doubt };

const looking = new AbortController();
const starting = start();
onFinish(async () => {
  const app = await starting;
  looking.abort();
  await app.close();
});
announce();

/** Whoever starts in an outage is started again. */
async function start() {
  const app = await untilDone(() =>
    NestFactory.createApplicationContext(App, { logger, abortOnError: false }),
  );
  look(await untilDone(() => app.get(KviService).membership()));
  return app;
}

function look(membership) {
  const journal = new Journal('members');
  const see = () => {
    const members = membership.instances.map(({ id }) => id);
    journal.note({ at: machineMs(), seenBy: config.process, members });
  };
  membership.onJoined(see);
  membership.onLeft(see);
  const timer = setInterval(see, LOOK_MS);
  looking.signal.addEventListener('abort', () => clearInterval(timer));
}

async function untilDone(work) {
  for (;;) {
    const done = await inAnyWeather(work);
    if (done !== undefined) return done;
    await sleep(RETRY_MS);
  }
}

async function inAnyWeather(work) {
  try {
    return await work();
  } catch (error) {
    doubt(error);
    return undefined;
  }
}

/** The library's errors tell of the faults. Any other is thrown where nobody catches it. */
function doubt(error) {
  if (error instanceof HmEtcdError) return;
  queueMicrotask(() => {
    throw error;
  });
}

/** The second that a schedule's timer, which may be a little early, runs for. */
function tickAt(ms) {
  return Math.floor((ms + 50) / 1000);
}

function decorate(Class, name, decorators) {
  const descriptor = Object.getOwnPropertyDescriptor(Class.prototype, name);
  for (const decorator of decorators.toReversed()) decorator(Class.prototype, name, descriptor);
  Object.defineProperty(Class.prototype, name, descriptor);
}
