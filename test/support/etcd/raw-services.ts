import type { ServiceClientConstructor, ServiceError } from '@grpc/grpc-js';
import { createRequire } from 'node:module';
import { join } from 'node:path';

// etcd's services without a client library between: for what watches over the library, or does what no client offers.

const ofEtcd3 = createRequire(createRequire(import.meta.url).resolve('etcd3'));
const grpc = ofEtcd3('@grpc/grpc-js') as typeof import('@grpc/grpc-js');
const { loadSync } = ofEtcd3('@grpc/proto-loader') as typeof import('@grpc/proto-loader');

const PROTO = join(ofEtcd3.resolve('etcd3/package.json'), '../proto/rpc.proto');
const { etcdserverpb } = grpc.loadPackageDefinition(
  loadSync(PROTO, { longs: String, enums: String, defaults: true }),
) as unknown as { etcdserverpb: Record<string, ServiceClientConstructor> };

export type RawClient = InstanceType<ServiceClientConstructor>;

/** A client of one service of one member, in plain text, to be closed. */
export function rawClient(service: 'Auth' | 'KV' | 'Maintenance' | 'Watch', port: number): RawClient {
  const Service = etcdserverpb[service]!;
  return new Service(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
  });
}

/** For one that is stopped, or cut off. */
const TIMEOUT_MS = 5000;

/** One call and its answer. */
export function rawCall<Answer>(
  client: RawClient,
  method: string,
  request: object,
  metadata = rawMetadata({}),
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const done = (error: ServiceError | null, answer: Answer): void =>
      error === null ? resolve(answer) : reject(error);
    (client[method] as (...args: unknown[]) => void).call(
      client,
      request,
      metadata,
      { deadline: Date.now() + TIMEOUT_MS },
      done,
    );
  });
}

/** What a call is sent with. */
export function rawMetadata(entries: Readonly<Record<string, string>>): InstanceType<typeof grpc.Metadata> {
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(entries)) metadata.set(name, value);
  return metadata;
}

/** What proves to a server that knows users who one is. */
export async function rawToken(
  port: number,
  { username: name, password }: { readonly username: string; readonly password: string },
): Promise<string> {
  const client = rawClient('Auth', port);
  try {
    return (await rawCall<{ token: string }>(client, 'authenticate', { name, password })).token;
  } finally {
    client.close();
  }
}
