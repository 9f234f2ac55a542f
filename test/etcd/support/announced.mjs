import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { HmEtcdModule, KviService } from 'nestjs-hmetcd';

// One instance of an application, which tells its parent whom it sees. It ends with its parent.

const [endpoint, id, ttl] = process.argv.slice(2);
const quiet = () => undefined;

class App {
  name = 'member';
}
Module({
  imports: [
    HmEtcdModule.forRoot({
      endpoint,
      sessionTtlSec: Number(ttl),
      instance: { prefix: 'instances/', id },
      logger: { debug: quiet, log: quiet, warn: quiet, error: quiet },
    }),
  ],
})(App);

const app = await NestFactory.createApplicationContext(App, { logger: ['error'] });
app.enableShutdownHooks();
const kvi = app.get(KviService);
const membership = await kvi.membership();
const ids = (instances) => instances.map((instance) => instance.id);

async function look() {
  try {
    return { listed: ids(await kvi.instances()), followed: ids(membership.instances) };
  } catch (error) {
    return { failed: error.name };
  }
}

process.on('message', () => void look().then((sight) => process.send(sight)));
process.once('disconnect', () => process.exit());
process.send({ ready: true });
