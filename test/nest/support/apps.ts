import type { INestApplicationContext, ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';

const started = new Set<INestApplicationContext>();

/** Starts an application without a server; `closeAll` closes it. Nest 11 cannot close one that failed to start. */
export async function start(
  metadata: ModuleMetadata,
  configure: (builder: TestingModuleBuilder) => TestingModuleBuilder = (builder) => builder,
): Promise<INestApplicationContext> {
  const app = await configure(Test.createTestingModule(metadata)).compile();
  await app.init();
  return willClose(app);
}

export function willClose<App extends INestApplicationContext>(app: App): App {
  started.add(app);
  return app;
}

/** Closes an application once: Nest calls its hooks again when it is closed again. */
export async function close(app: INestApplicationContext): Promise<void> {
  if (started.delete(app)) await app.close();
}

/** For `afterEach`: also what a failed test left open. */
export async function closeAll(): Promise<void> {
  await Promise.all([...started].map(close));
}
