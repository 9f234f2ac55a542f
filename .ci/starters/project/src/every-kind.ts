// Runs the module in every kind of Nest application, one after the other on one etcd, and must then come to its end by
// itself.
import { strictEqual } from 'node:assert';
import type { AddressInfo, Server } from 'node:net';
import type { INestApplication, INestApplicationContext, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientProxyFactory, Transport } from '@nestjs/microservices';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { HmEtcdModule, KviService } from 'nestjs-hmetcd';
import { finalize, lastValueFrom } from 'rxjs';
import { Reports } from './quick-start.js';
import { ReportsModule } from './reports.module.js';

type WriteNext = () => Promise<number>;

async function overHttp(app: INestApplication): Promise<WriteNext> {
  await app.listen(0, '127.0.0.1');
  const url = `${await app.getUrl()}/reports`;
  return async () => Number(await (await fetch(url, { method: 'POST' })).text());
}

const kinds: Record<string, () => Promise<[INestApplicationContext, WriteNext]>> = {
  async express() {
    const app = await NestFactory.create(ReportsModule);
    return [app, await overHttp(app)];
  },

  async fastify() {
    const app = await NestFactory.create(ReportsModule, new FastifyAdapter());
    return [app, await overHttp(app)];
  },

  async microservice() {
    const options = { host: '127.0.0.1', port: 0 };
    const app = await NestFactory.createMicroservice(ReportsModule, { transport: Transport.TCP, options });
    await app.listen();
    const { port } = app.unwrap<Server>().address() as AddressInfo;
    const client = ClientProxyFactory.create({ transport: Transport.TCP, options: { ...options, port } });
    const answer = client.send<number>('write-next', {}).pipe(finalize(() => void client.close()));
    return [app, () => lastValueFrom(answer)];
  },

  async standalone() {
    const app = await NestFactory.createApplicationContext(ReportsModule);
    return [app, () => app.get(Reports).writeNext()];
  },
};

async function isOneCopy(): Promise<void> {
  const imported: { HmEtcdModule: Type } = await import('nestjs-hmetcd');
  strictEqual(imported.HmEtcdModule, HmEtcdModule);
}

async function everyKind(): Promise<void> {
  await isOneCopy();
  for (const [kind, start] of Object.entries(kinds)) {
    const [app, writeNext] = await start();
    await app.get(KviService).store('reports/written', '41');
    strictEqual(await writeNext(), 42);
    strictEqual(await app.get(KviService).get('reports/written'), '42');
    await app.close();
    console.log(`${kind}: works`);
  }
}

void everyKind();
