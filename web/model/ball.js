/**
 * Dots on a ball that the pointer turns: the twin of motion_core/document/layers/sphere.py.
 * Directions are unit vectors [x right, y down, z to the viewer].
 */

import { MOST_DOTS } from "./area_dots.js";

const GOLDEN_ANGLE = Math.PI * (3 - Math.sqrt(5));
const LEAST_SINE = 1e-9;

/** Below this z a direction faces away; a dot held on the rim still faces the viewer. */
export const LEAST_FACING = -LEAST_SINE;

/**
 * Directions spread evenly over the near half of a ball; both lengths are in one unit. Flat: x, y
 * and z of one after the other in a Float64Array, the given first direction before them.
 */
export function sphereDirections(radius, spacing, first = []) {
  const wanted = roundHalfEven(2 * Math.PI * (radius / spacing) ** 2);
  const count = wanted <= MOST_DOTS ? wanted : 0;
  const directions = new Float64Array(first.length + 3 * count);
  directions.set(first);
  for (let place = 0, at = first.length; place < count; place += 1, at += 3) {
    const z = 1 - (place + 0.5) / Math.max(count, 1);
    const across = Math.sqrt(1 - z * z);
    directions[at] = across * Math.cos(place * GOLDEN_ANGLE);
    directions[at + 1] = across * Math.sin(place * GOLDEN_ANGLE);
    directions[at + 2] = z;
  }
  return directions;
}

/** The direction under a place given in radii from the centre; beside the ball, on its rim. */
export function directionUnder([x, y]) {
  const away = Math.hypot(x, y);
  const shrink = Math.max(away, 1);
  return [x / shrink, y / shrink, Math.sqrt(Math.max(1 - Math.min(away, 1) ** 2, 0))];
}

/** The turn about a single axis that carries one direction to another: a matrix, row by row. */
export function turnBetween(start, end) {
  let axis = cross(start, end);
  const sine = Math.hypot(...axis);
  const cosine = dot(start, end);
  if (sine < LEAST_SINE && cosine < 0) axis = cross(start, [0, 0, 1]);
  const length = Math.hypot(...axis) || 1;
  const [x, y, z] = axis.map((value) => value / length);
  const bend = 1 - cosine; // Rodrigues' formula
  return [
    ...[1 - bend * (y * y + z * z), bend * x * y - sine * z, bend * x * z + sine * y],
    ...[bend * x * y + sine * z, 1 - bend * (x * x + z * z), bend * y * z - sine * x],
    ...[bend * x * z - sine * y, bend * y * z + sine * x, 1 - bend * (x * x + y * y)],
  ];
}

/** Python's rounding, so that both languages place the same number of dots. */
function roundHalfEven(value) {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 ? floor + 1 : floor;
}

function cross([ax, ay, az], [bx, by, bz]) {
  return [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx];
}

function dot([ax, ay, az], [bx, by, bz]) {
  return ax * bx + ay * by + az * bz;
}
