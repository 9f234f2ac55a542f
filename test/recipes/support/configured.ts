import type { INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { ConfigurationModule } from '../../../sample/recipes/configuration.js';
import { RecordingLogger } from '../../support/recording-logger.js';

const started: INestApplicationContext[] = [];

/** Starts an application with these variables, and no others of their kind, in its environment. */
export async function startConfigured(env: NodeJS.ProcessEnv): Promise<INestApplicationContext> {
  forget();
  Object.assign(process.env, env);
  const app = await Test.createTestingModule({ imports: [ConfigurationModule.forRoot()] })
    .setLogger(new RecordingLogger())
    .compile();
  started.push(app);
  return app.init();
}

/** Why an application does not start with them. */
export function refusalOf(env: NodeJS.ProcessEnv): Promise<Error> {
  return startConfigured(env).then(
    () => new Error('It has started.'),
    (error: Error) => error,
  );
}

export async function closeConfigured(): Promise<void> {
  forget();
  await Promise.all(started.splice(0).map((app) => app.close()));
}

function forget(): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('HMETCD_')) delete process.env[name];
}
