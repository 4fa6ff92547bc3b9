/**
 * Dots on a ball that the pointer turns: the twin of motion_core/document/layers/sphere.py.
 * Directions are unit vectors [x right, y down, z to the viewer].
 */

import { MOST_DOTS } from "./area_dots.js";

const GOLDEN_ANGLE = Math.PI * (3 - Math.sqrt(5));
const LEAST_SINE = 1e-9;

/** Directions spread evenly over the near half of a ball; both lengths are in one unit. */
export function sphereDirections(radius, spacing) {
  const count = roundHalfEven(2 * Math.PI * (radius / spacing) ** 2);
  if (!(count <= MOST_DOTS)) return [];
  return Array.from({ length: count }, (_, place) => {
    const z = 1 - (place + 0.5) / Math.max(count, 1);
    const across = Math.sqrt(1 - z * z);
    return [
      across * Math.cos(place * GOLDEN_ANGLE),
      across * Math.sin(place * GOLDEN_ANGLE),
      z,
    ];
  });
}

/** The direction under a place given in radii from the centre; beside the ball, on its rim. */
export function directionUnder([x, y]) {
  const away = Math.hypot(x, y);
  const shrink = Math.max(away, 1);
  return [x / shrink, y / shrink, Math.sqrt(Math.max(1 - Math.min(away, 1) ** 2, 0))];
}

/** The turn about a single axis that carries one direction to another, as a function. */
export function turnBetween(start, end) {
  let axis = cross(start, end);
  const sine = Math.hypot(...axis);
  const cosine = dot(start, end);
  if (sine < LEAST_SINE && cosine < 0) axis = cross(start, [0, 0, 1]);
  const length = Math.hypot(...axis) || 1;
  const unit = axis.map((value) => value / length);
  return (direction) => {
    const side = cross(unit, direction);
    const bend = cross(unit, side);
    return direction.map((value, i) => value + sine * side[i] + (1 - cosine) * bend[i]);
  };
}

/** Whether a direction faces the viewer; a dot held on the rim still does. */
export function facesViewer([, , z]) {
  return z >= -LEAST_SINE;
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
