import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { INestApplication, ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { willClose } from './apps.js';

export interface HttpApp {
  readonly app: INestApplication;
  readonly fetch: (path: string, headers?: Record<string, string>) => Promise<Response>;
}

/** Starts an application with a server, on a port that nobody else has. */
export async function startHttp(
  metadata: ModuleMetadata,
  configure: (builder: TestingModuleBuilder) => TestingModuleBuilder = (builder) => builder,
): Promise<HttpApp> {
  const module = await configure(Test.createTestingModule(metadata)).compile();
  const app = willClose(module.createNestApplication());
  await app.listen(0, '127.0.0.1');
  const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
  return {
    app,
    // A connection that is kept alive would keep the server from closing for seconds.
    fetch: (path, headers) =>
      fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close', ...headers } }),
  };
}
