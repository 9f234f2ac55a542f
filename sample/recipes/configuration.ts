/*
 * Configuration through @nestjs/config: the environment, checked at the start, and secrets from files.
 *
 *   HMETCD_ENDPOINT=https://etcd-0:2379,https://etcd-1:2379
 *   HMETCD_NAMESPACE=orders/
 *   HMETCD_CA_FILE=/run/secrets/etcd/ca.crt
 *   HMETCD_USERNAME=orders
 *   HMETCD_PASSWORD_FILE=/run/secrets/etcd/password
 *
 * - What is missing or no good ends the start, with the names of the variables and never with their values.
 * - Secrets are read from files, as Kubernetes and Docker mount them. An environment is inherited by every child process
 *   and ends up in crash reports.
 * - The files are read once, at the start: when a secret has changed, restart the replicas one after the other.
 * - `mem:` needs no more than `HMETCD_ENDPOINT=mem:`, in development and in tests.
 */
import { readFile } from 'node:fs/promises';
import { type DynamicModule, Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { type HmEtcdConnectionOptions, HmEtcdModule } from 'nestjs-hmetcd';
import { z } from 'zod';

const Environment = z
  .object({
    HMETCD_ENDPOINT: z.string().min(1),
    HMETCD_NAMESPACE: z.string().default(''),
    HMETCD_SESSION_TTL_SEC: z.coerce.number().min(2).default(10),
    HMETCD_CA_FILE: z.string().optional(),
    HMETCD_CERT_FILE: z.string().optional(),
    HMETCD_KEY_FILE: z.string().optional(),
    HMETCD_USERNAME: z.string().optional(),
    HMETCD_PASSWORD_FILE: z.string().optional(),
  })
  .refine((env) => (env.HMETCD_USERNAME === undefined) === (env.HMETCD_PASSWORD_FILE === undefined), {
    message: 'HMETCD_USERNAME and HMETCD_PASSWORD_FILE belong together',
  });
type Environment = z.infer<typeof Environment>;

function validate(env: Record<string, unknown>): Environment {
  const result = Environment.safeParse(env);
  if (!result.success) throw new Error(`The environment will not do:\n${z.prettifyError(result.error)}`);
  return result.data;
}

async function etcdOptions(config: ConfigService<Environment, true>): Promise<HmEtcdConnectionOptions> {
  const get = <Name extends keyof Environment>(name: Name): Environment[Name] =>
    config.get(name, { infer: true });
  const username = get('HMETCD_USERNAME');
  const password = await secret(get('HMETCD_PASSWORD_FILE'));
  return {
    endpoint: get('HMETCD_ENDPOINT'),
    namespace: get('HMETCD_NAMESPACE'),
    sessionTtlSec: get('HMETCD_SESSION_TTL_SEC'),
    tls: {
      ca: await secret(get('HMETCD_CA_FILE')),
      cert: await secret(get('HMETCD_CERT_FILE')),
      key: await secret(get('HMETCD_KEY_FILE')),
    },
    auth: username === undefined || password === undefined ? undefined : { username, password },
  };
}

/** What a file holds, without the line's end that an editor puts behind it. */
async function secret(path: string | undefined): Promise<string | undefined> {
  return path === undefined ? undefined : (await readFile(path, 'utf8')).trimEnd();
}

@Module({})
export class ConfigurationModule {
  static forRoot(): DynamicModule {
    return {
      module: ConfigurationModule,
      imports: [
        ConfigModule.forRoot({ isGlobal: true, validate }),
        HmEtcdModule.forRootAsync({ inject: [ConfigService], useFactory: etcdOptions }),
      ],
    };
  }
}
