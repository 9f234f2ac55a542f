import type { MethodDefinition } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor/index.js';

/** A 64-bit number of a message: a decimal text where etcd3's codec made it, else protobufjs' Long. */
export type WireNumber = string | { toNumber(): number; toString(radix?: number): string };

/** What begins every response. */
export interface Header {
  readonly cluster_id: WireNumber;
  readonly revision: WireNumber;
  readonly raft_term: WireNumber;
}

interface MessageType {
  readonly name: string;
}

/** What etcd3's package definition says of a method's response, from its own rpc.proto. */
interface ResponseType {
  readonly type: MessageType;
  readonly fileDescriptorProtos: readonly Buffer[];
}

/** Put there by the import of the descriptors, which its types do not tell. */
const Root = protobuf.Root as unknown as { fromDescriptor(set: { file: unknown[] }): protobuf.Root };

let messages: protobuf.Root | undefined;

/**
 * Decodes a method's response and leaves it at that. etcd3's codec makes an object of it that has every field, and a text
 * of every number: for a batch of reads that costs as much as the rest of the call.
 */
export function decoderOf<T>(method: MethodDefinition<unknown, T>): (bytes: Buffer) => T {
  const { type, fileDescriptorProtos } = (method as unknown as { responseType: ResponseType }).responseType;
  messages ??= Root.fromDescriptor({
    file: fileDescriptorProtos.map((bytes) => descriptor.FileDescriptorProto.decode(bytes)),
  });
  const message = messages.lookupType(`etcdserverpb.${type.name}`);
  return (bytes) => message.decode(bytes) as T;
}
