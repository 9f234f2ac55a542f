import * as fc from 'fast-check';

/** Characters from every corner of the byte order: ASCII, NUL, around the surrogates, the last ones. */
const corner = fc.constantFrom(
  '\0',
  '\u0001',
  '/',
  'a',
  'b',
  '\u007f',
  '\u0080',
  '\u07ff',
  '\u0800',
  '\ud7ff',
  '\ue000',
  '\uffff',
  '\u{10000}',
  '\u{1f600}',
  '\u{10fffe}',
  '\u{10ffff}',
);

/** Well-formed texts that share beginnings often. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: corner, maxLength: 4 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }) },
);

export const anyKey: fc.Arbitrary<string> = anyText.filter((text) => text !== '');
