/** Flat numbers of web/model/dots.js as lists, for comparison. */

/** [a, b, c, d, …] as [[a, b], [c, d], …], or in threes. */
export function inTuples(flat, length = 2) {
  return Array.from({ length: flat.length / length }, (_, i) => [
    ...flat.subarray(i * length, (i + 1) * length),
  ]);
}
