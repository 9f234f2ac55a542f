import { type INestApplication, Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { HmEtcdError } from 'nestjs-hmetcd';
import { AppModule } from './app.module.js';
import { GeneratorService } from './generator/generator.service.js';
import { readSettings } from './settings.js';
import { StartError } from './start.error.js';

const HOST = '127.0.0.1';
const logger = new Logger('HeartbeatTracker');

async function main(): Promise<void> {
  const { port, endpoint, nodes } = readSettings(process.argv.slice(2), process.env);
  // Browsers and nodes keep connections open; waiting for them would hold up every restart by seconds.
  const app = await NestFactory.create(AppModule.on(endpoint), { forceCloseConnections: true });
  // Without useProcessExit Nest ends the process by the signal itself, and a supervisor reads a crash.
  app.enableShutdownHooks(['SIGTERM', 'SIGINT'], { useProcessExit: true });
  const url = await listen(app, port);
  logger.log(`Listening on ${url} with its store on ${endpoint}`);
  logger.log(`Open ${url} in a browser, or follow the alerts: curl -N ${url}/alerts`);
  app.get(GeneratorService).start(url, nodes);
}

async function listen(app: INestApplication, port: number): Promise<string> {
  try {
    await app.listen(port, HOST);
    return await app.getUrl();
  } catch (error) {
    // The sweep already runs and the store is open: both would keep a process alive that nobody can reach.
    await app.close();
    throw explainListenError(error, port);
  }
}

function explainListenError(error: unknown, port: number): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  if (error.code === 'EADDRINUSE') {
    return new StartError(
      `Port ${port} on ${HOST} is in use. Choose another one; PORT=0 takes any that is free.`,
    );
  }
  if (error.code === 'EACCES') {
    return new StartError(`Port ${port} is not allowed for this user. Choose one above 1023.`);
  }
  return error;
}

main().catch((error: unknown) => {
  const expected = error instanceof StartError || error instanceof HmEtcdError;
  logger.error(expected ? error.message : error);
  process.exitCode = 1;
});
