/**
 * Freehand strokes with fewer points: the recorded motion is kept, not only the line.
 */

import { round } from "./document.js";

const LONGEST_GAP = 0.05; // seconds across a point and both its neighbours

/**
 * The fewest recorded points [t, x, y] from which every dropped one can be restored within a tolerance.
 *
 * A dropped point is compared with where the pointer would be at that very time, so pauses and
 * speed survive. Times are 0..1, positions fractions of `size`; the tolerance is in pixels.
 * This is Ramer-Douglas-Peucker with distance measured at equal time.
 */
export function simplifyStroke(points, size, tolerance = 0.5) {
  if (points.length < 3) return points.map(stored);
  const keep = new Uint8Array(points.length);
  keep[0] = keep[points.length - 1] = 1;
  const spans = [[0, points.length - 1]];
  while (spans.length) {
    const [first, last] = spans.pop();
    const worst = worstBetween(points, first, last, size);
    if (worst.error <= tolerance) continue;
    keep[worst.index] = 1;
    spans.push([first, worst.index], [worst.index, last]);
  }
  return points.filter((_, index) => keep[index]).map(stored);
}

/**
 * A recording [seconds, x, y] without the pixel steps of the pointer: each position becomes the
 * binomial mean of its neighbours, a few times. Only neighbours that were recorded at the pace of
 * a screen count, so slow input is left alone. Ends and times stay.
 */
export function smoothStroke(points, passes = 4) {
  let smooth = points;
  for (let pass = 0; pass < passes; pass += 1) {
    const old = smooth;
    smooth = old.map((point, i) => {
      const isEnd = i === 0 || i === old.length - 1;
      if (isEnd || old[i + 1][0] - old[i - 1][0] > LONGEST_GAP) return point;
      const mean = (axis) => (old[i - 1][axis] + 2 * point[axis] + old[i + 1][axis]) / 4;
      return [point[0], mean(1), mean(2)];
    });
  }
  return smooth;
}

function worstBetween(points, first, last, size) {
  const [startTime, startX, startY] = points[first];
  const [endTime, endX, endY] = points[last];
  const worst = { error: 0, index: -1 };
  for (let index = first + 1; index < last; index += 1) {
    const [t, x, y] = points[index];
    const fraction = endTime > startTime ? (t - startTime) / (endTime - startTime) : 0;
    const dx = (startX + fraction * (endX - startX) - x) * size.width;
    const dy = (startY + fraction * (endY - startY) - y) * size.height;
    const error = Math.hypot(dx, dy);
    if (error > worst.error) Object.assign(worst, { error, index });
  }
  return worst;
}

function stored([t, x, y]) {
  return [t === null ? null : round(t), round(x), round(y)];
}
