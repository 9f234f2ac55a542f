import type { Dice } from '../../support/random.mjs';

interface Field {
  readonly number: number;
  readonly wire: number;
  /** A varint's number, or the bytes of all others. */
  readonly value: bigint | Buffer;
}

const VARINT = 0;
const FIXED = new Map([
  [1, 8],
  [5, 4],
]);
const DELIMITED = 2;

const ODD_NUMBERS = [0n, 1n, -1n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n), 7n];

/** Makes of a protobuf message another that its receiver did not count on. */
export function garbled(message: Buffer, dice: Dice): Buffer {
  const ways = [
    () => dice.bytes(dice.below(200)),
    () => Buffer.alloc(0),
    () => message.subarray(0, dice.below(message.length + 1)),
    () => withFlippedBits(message, dice),
    () => Buffer.concat([message, message]),
  ];
  // A message that can be read, and says something else, gets furthest.
  return dice.percent(60) ? (withAnotherField(message, dice) ?? dice.pick(ways)()) : dice.pick(ways)();
}

function withFlippedBits(message: Buffer, dice: Dice): Buffer {
  const flipped = Buffer.from(message);
  for (let flips = 1 + dice.below(4); flips > 0 && flipped.length > 0; flips--) {
    const at = dice.below(flipped.length);
    flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << dice.below(8)), at);
  }
  return flipped;
}

/** One field, of it or of a message in it, is missing, doubled, moved, or another number. */
function withAnotherField(message: Buffer, dice: Dice): Buffer | undefined {
  const fields = fieldsOf(message);
  if (fields === undefined || fields.length === 0) return undefined;
  const at = dice.below(fields.length);
  const field = fields[at]!;
  if (Buffer.isBuffer(field.value) && dice.percent(60)) {
    const inner = withAnotherField(field.value, dice);
    if (inner !== undefined) return encoded(fields.with(at, { ...field, value: inner }));
  }
  if (!Buffer.isBuffer(field.value) && dice.percent(60)) {
    return encoded(fields.with(at, { ...field, value: dice.pick(ODD_NUMBERS) }));
  }
  return encoded(
    dice.pick([
      () => fields.toSpliced(at, 1),
      () => fields.toSpliced(at, 0, field),
      () => fields.with(at, { ...field, number: 1 + dice.below(12) }),
      () => fields.toReversed(),
    ])(),
  );
}

function fieldsOf(message: Buffer): Field[] | undefined {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint | undefined => {
    let value = 0n;
    for (let shift = 0n; at < message.length && shift < 70n; shift += 7n) {
      const byte = message.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return undefined;
  };
  while (at < message.length) {
    const tag = varint();
    if (tag === undefined || tag < 8n || tag > 1000n) return undefined;
    const [number, wire] = [Number(tag >> 3n), Number(tag & 7n)];
    const value = wire === VARINT ? varint() : undefined;
    if (value !== undefined) {
      fields.push({ number, wire, value });
      continue;
    }
    const length = wire === DELIMITED ? varint() : BigInt(FIXED.get(wire) ?? -1);
    if (length === undefined || length < 0n || BigInt(at) + length > message.length) return undefined;
    fields.push({ number, wire, value: message.subarray(at, at + Number(length)) });
    at += Number(length);
  }
  return fields;
}

function encoded(fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.flatMap(({ number, wire, value }) => {
      const tag = varintOf(BigInt((number << 3) | wire));
      if (!Buffer.isBuffer(value)) return [tag, varintOf(value)];
      return wire === DELIMITED ? [tag, varintOf(BigInt(value.length)), value] : [tag, value];
    }),
  );
}

function varintOf(number: bigint): Buffer {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, number);
  while (left >= 0x80n) {
    bytes.push(Number(left & 0x7fn) | 0x80);
    left >>= 7n;
  }
  return Buffer.from([...bytes, Number(left)]);
}
