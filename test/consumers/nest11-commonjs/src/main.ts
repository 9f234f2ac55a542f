import { deepStrictEqual } from 'node:assert';
import { NestFactory } from '@nestjs/core';
import { KviService } from 'nestjs-hmetcd';
import { AppModule } from './app.module';

// Serves on a free port, asks itself for tickets, and must then come to its end by itself.
async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  await app.listen(0, '127.0.0.1');
  const url = `${await app.getUrl()}/tickets`;

  const kvi = app.get(KviService);
  const firstChange = kvi.watch('last-ticket');
  const answers = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const response = await fetch(url, { method: 'POST' });
      return (await response.json()) as { ticket: number };
    }),
  );

  deepStrictEqual(
    answers.map(({ ticket }) => ticket).toSorted((a, b) => a - b),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
  deepStrictEqual((await firstChange).value, '1');
  deepStrictEqual(await kvi.get('last-ticket'), '10');
  await app.close();
}
void bootstrap();
