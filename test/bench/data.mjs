/** nestjs-hmetcd's own, without loading it into the processes of the others. */
export const PUT = 1;

/** Two of 100 bytes. */
export const VALUES = ['a', 'b'].map((letter) => letter.repeat(100));

export function keyAt(prefix, index) {
  return `${prefix}/${String(index).padStart(7, '0')}`;
}

export function keysOf(prefix, count) {
  return Array.from({ length: count }, (_, index) => keyAt(prefix, index));
}

export function pairsOf(keys) {
  return keys.map((key) => [key, VALUES[0]]);
}
