import { describe, expect, it } from '@jest/globals';
import { GrpcResponses } from '../support/etcd/grpc-responses.js';

const [DATA, HEADERS, SETTINGS] = [0, 1, 4];
const END_STREAM = 1;

function frame(type: number, stream: number, payload: Buffer, flags = 0): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

function message(bytes: number): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(bytes, 1);
  return Buffer.concat([prefix, Buffer.alloc(bytes, 'x')]);
}

/** What is found in the bytes when they come in pieces of that size, at which byte of them all. */
function found(bytes: Buffer, pieceSize: number): string[] {
  const responses = new GrpcResponses();
  const events: string[] = [];
  for (let begin = 0; begin < bytes.length; begin += pieceSize) {
    for (const { kind, at } of responses.push(bytes.subarray(begin, begin + pieceSize))) {
      events.push(`${kind} ${kind === 'message' ? begin + at : ''}`.trim());
    }
  }
  return events;
}

describe('what a gRPC server sends', () => {
  const headers = Buffer.from('headers');
  const long = message(40);
  const parts = [
    frame(SETTINGS, 0, Buffer.alloc(6)),
    frame(HEADERS, 1, headers),
    frame(DATA, 1, Buffer.concat([message(3), message(0)])),
    frame(HEADERS, 3, headers),
    frame(DATA, 3, long.subarray(0, 4)),
    frame(DATA, 1, message(7)),
    frame(DATA, 3, long.subarray(4)),
    frame(HEADERS, 1, headers, END_STREAM),
    frame(HEADERS, 5, headers, END_STREAM),
  ];
  const bytes = Buffer.concat(parts);
  const endOf = (part: number): number => Buffer.concat(parts.slice(0, part + 1)).length;

  it.each([1, 2, 5, 9, 13, 64, bytes.length])('is understood in pieces of %i bytes', (pieceSize) => {
    expect(found(bytes, pieceSize)).toEqual([
      'start',
      `message ${endOf(2) - 5}`,
      `message ${endOf(2)}`,
      'start',
      `message ${endOf(5)}`,
      `message ${endOf(6)}`,
      'start',
    ]);
  });
});
