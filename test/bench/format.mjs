const NAMES = { ours: 'nestjs-hmetcd', raw: 'raw grpc-js', map: 'async functions around a Map' };

export function nameOf(contender) {
  return NAMES[contender] ?? contender;
}

/** Three digits that count, and thousands whole. */
export function rounded(number) {
  const options = Math.abs(number) >= 100 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 };
  return number.toLocaleString('en', options);
}
