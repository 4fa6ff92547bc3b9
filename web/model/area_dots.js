/**
 * Dots that fill the inside of a polygon: the twin of motion_core/document/dots/area.py.
 */

import { bounds, edgeX, isInside } from "./geometry.js";

/** Beyond this many dots an area or a brush is not filled: the editor would stall. */
export const MOST_DOTS = 20000;

/** A grid of dots inside a polygon, centred on its bounding box. */
export function polygonDots(polygon, spacing, size) {
  // Measured in short sides, as the tracks are, so that dots on an edge fall alike.
  const short = Math.min(size.width, size.height);
  const unit = [size.width / short, size.height / short];
  const corners = polygon.map(([x, y]) => [(x * size.width) / short, (y * size.height) / short]);
  const { left, top, right, bottom } = bounds(corners);
  const columns = stepCount(left, right, spacing);
  const rows = stepCount(top, bottom, spacing);
  // Counted before they are made: a tiny spacing asks for more than there is memory.
  if (!(columns * rows <= MOST_DOTS)) return [];
  const across = centredSteps(left, right, spacing, columns);
  const down = centredSteps(top, bottom, spacing, rows);
  const grid = down.flatMap((y) => across.map((x) => [x, y]));
  const inside = grid.filter((dot) => isInside(dot, corners));
  const dots = inside.length ? inside : middleOfWidestSpan(corners, (top + bottom) / 2);
  return dots.map(([x, y]) => [x / unit[0], y / unit[1]]);
}

/** One dot for a polygon so thin that no grid dot meets it; none where it encloses nothing. */
function middleOfWidestSpan(corners, y) {
  const crossings = corners
    .map((corner, i) => [corner, corners[(i + 1) % corners.length]])
    .filter(([from, to]) => from[1] <= y !== to[1] <= y)
    .map(([from, to]) => (from[1] <= to[1] ? edgeX(from, to, y) : edgeX(to, from, y)))
    .sort((a, b) => a - b);
  let widest = [0, 0];
  for (let i = 0; i + 1 < crossings.length; i += 2) {
    if (crossings[i + 1] - crossings[i] > widest[1] - widest[0]) widest = crossings.slice(i, i + 2);
  }
  return widest[1] > widest[0] ? [[(widest[0] + widest[1]) / 2, y]] : [];
}

function stepCount(low, high, unit) {
  return Math.max(1, Math.floor(((high - low) / unit) * (1 + 1e-9)));
}

function centredSteps(low, high, unit, count) {
  const middle = (low + high) / 2;
  return Array.from({ length: count }, (_, i) => middle + (i - (count - 1) / 2) * unit);
}
