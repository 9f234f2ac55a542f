// One of the replicas of an application with a schedule, on the built package. It tells of each run of its job, on
// the clock that all processes of the machine share. Written without decorators, as Node runs it.

const { endpoint, clockAheadMs, jobMs, sessionTtlSec, options } = JSON.parse(process.argv[2]);

setClockAhead(clockAheadMs);

// Whatever tells the time has to find the clock as it is set.
const { Injectable, Module } = await import('@nestjs/common');
const { NestFactory } = await import('@nestjs/core');
const { Cron, ScheduleModule } = await import('@nestjs/schedule');
const { currentLock, DistLocked, HmEtcdModule } = await import('nestjs-hmetcd');

class Service {
  async job() {
    const { fencingToken: token } = currentLock();
    const [beganAtMs, clockMs] = [now(), Date.now()];
    const tick = tickAt(clockMs);
    say({ token, beganAtMs, tick, lateMs: clockMs - tick * 1000 });
    await new Promise((resolve) => setTimeout(resolve, jobMs));
    say({ token, endedAtMs: now() });
  }
}
decorate(Service, 'job', [Cron('* * * * * *'), DistLocked(0, options)]);
Injectable()(Service);

class App {
  name = 'replica';
}
const silent = () => {};
const logger = { debug: silent, log: silent, warn: console.error, error: console.error };
Module({
  imports: [ScheduleModule.forRoot(), HmEtcdModule.forRoot({ endpoint, sessionTtlSec, logger })],
  providers: [Service],
})(App);

await NestFactory.createApplicationContext(App, { logger: ['error'] });
say({ upAtTick: tickAt(Date.now()) });

// Whoever started it is gone.
process.stdin.on('end', () => process.exit()).resume();

function setClockAhead(ms) {
  const SystemDate = Date;
  globalThis.Date = class extends SystemDate {
    constructor(...args) {
      if (args.length === 0) super(SystemDate.now() + ms);
      else super(...args);
    }

    static now() {
      return SystemDate.now() + ms;
    }
  };
}

function decorate(Class, name, decorators) {
  const descriptor = Object.getOwnPropertyDescriptor(Class.prototype, name);
  for (const decorator of decorators.toReversed()) decorator(Class.prototype, name, descriptor);
  Object.defineProperty(Class.prototype, name, descriptor);
}

/** The second that a schedule's timer, which may be a little early, runs for. */
function tickAt(ms) {
  return Math.floor((ms + 50) / 1000);
}

function now() {
  return Number(process.hrtime.bigint()) / 1e6;
}

function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
