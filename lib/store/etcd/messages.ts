import type { MethodDefinition } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor/index.js';

/** A 64-bit number of a message: a decimal text where etcd3's codec made it, else protobufjs' Long. */
export type WireNumber = string | { toNumber(): number; isZero(): boolean; toString(radix?: number): string };

/** What begins every response. */
export interface Header {
  readonly cluster_id: WireNumber;
  readonly revision: WireNumber;
  readonly raft_term: WireNumber;
}

/** What a member says of itself. */
export interface Status {
  readonly header: Header;
  readonly version: string;
  /** 0 while it knows none. */
  readonly leader: WireNumber;
  /** Among others its alarms. */
  readonly errors: readonly string[];
}

/** The alarms by their numbers in etcd's messages. */
export interface AlarmResponse {
  readonly alarms: readonly { readonly alarm: number }[];
}

interface MessageType {
  readonly name: string;
}

/** What etcd3's package definition says of a method's messages, from its own rpc.proto. */
interface TypeDefinition {
  readonly type: MessageType;
  readonly fileDescriptorProtos: readonly Buffer[];
}

/** How a method's messages are read and written. */
export interface MessageCodec<Response> {
  readonly encode: (request: object) => Buffer;
  readonly decode: (bytes: Buffer) => Response;
}

/** Put there by the import of the descriptors, which its types do not tell. */
const Root = protobuf.Root as unknown as { fromDescriptor(set: { file: unknown[] }): protobuf.Root };

let messages: protobuf.Root | undefined;

/**
 * Encodes and decodes a method's messages as they are, enums as their numbers. etcd3's codec makes another object of each
 * before, one that has every field, and a text of every number: for a batch that costs as much as the rest of the call.
 */
export function codecOf<T>(method: MethodDefinition<unknown, T>): MessageCodec<T> {
  const { requestType, responseType } = method as unknown as Record<string, TypeDefinition>;
  messages ??= Root.fromDescriptor({
    file: responseType!.fileDescriptorProtos.map((bytes) => descriptor.FileDescriptorProto.decode(bytes)),
  });
  const request = messages.lookupType(`etcdserverpb.${requestType!.type.name}`);
  const response = messages.lookupType(`etcdserverpb.${responseType!.type.name}`);
  return {
    encode: (message) => request.encode(message).finish() as Buffer,
    decode: (bytes) => response.decode(bytes) as T,
  };
}
