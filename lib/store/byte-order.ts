/**
 * Orders two well-formed strings as etcd does: by their UTF-8 bytes, which is the order of their code points.
 * JavaScript's `<` compares UTF-16 units and puts an emoji (a surrogate pair, 0xD83D…) before U+FFFF.
 *
 * @returns below 0 when `a` comes first, above 0 when `b` does, 0 when they are equal
 */
export function compareBytes(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const unitA = a.charCodeAt(i);
    const unitB = b.charCodeAt(i);
    if (unitA !== unitB) return codePointRank(unitA) - codePointRank(unitB);
  }
  return a.length - b.length;
}

/** Moves the surrogates (0xD800 to 0xDFFF), which stand for code points from U+10000 on, above every other unit. */
function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
