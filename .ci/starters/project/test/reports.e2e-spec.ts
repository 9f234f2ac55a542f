import { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { KviService, open } from 'nestjs-hmetcd';
import request from 'supertest';
import { App } from 'supertest/types.js';
import { ReportsModule } from '../src/reports.module.js';

describe('reports over HTTP, on etcd', () => {
  let app: INestApplication<App>;

  beforeEach(async () => {
    const fixture = await Test.createTestingModule({ imports: [ReportsModule] }).compile();
    app = fixture.createNestApplication();
    await app.init();
    await app.get(KviService).delete('reports/written');
  });

  afterEach(async () => {
    await app.close();
  });

  it('answers every number once', async () => {
    const calls = Array.from({ length: 10 }, () => request(app.getHttpServer()).post('/reports').expect(201));
    const answers = await Promise.all(calls);
    const written = answers.map(({ text }) => Number(text));
    expect(written.sort((a, b) => a - b)).toEqual(Array.from({ length: 10 }, (_, n) => n + 1));
  });

  it('writes where another client reads', async () => {
    await request(app.getHttpServer()).post('/reports').expect(201, '1');
    const kvi = await open(process.env.HMETCD_ENDPOINT!);
    expect(await kvi.get('reports/written')).toBe('1');
    await kvi.close();
  });
});
