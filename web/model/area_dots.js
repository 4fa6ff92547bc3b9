/**
 * Dots that fill the inside of a polygon: the twin of motion_core/document/dots/area.py.
 */

import { makeDotList } from "./dots.js";
import { bounds, edgeX } from "./geometry.js";

/** Beyond this many dots an area or a brush is not filled: the editor would stall. */
export const MOST_DOTS = 20000;

/** A grid of dots inside a polygon, centred on its bounding box; flat, as dots.js says. */
export function polygonDots(polygon, spacing, size) {
  // Measured in short sides, as the tracks are, so that dots on an edge fall alike.
  const short = Math.min(size.width, size.height);
  const unit = [size.width / short, size.height / short];
  const corners = polygon.map(([x, y]) => [(x * size.width) / short, (y * size.height) / short]);
  const { left, top, right, bottom } = bounds(corners);
  const columns = stepCount(left, right, spacing);
  const rows = stepCount(top, bottom, spacing);
  const list = makeDotList();
  // Counted before they are made: a tiny spacing asks for more than there is memory.
  if (!(columns * rows <= MOST_DOTS)) return list.dots();
  const across = centredSteps(left, right, spacing, columns);
  let isEmpty = true;
  for (const y of centredSteps(top, bottom, spacing, rows)) {
    const edges = crossings(corners, y);
    for (const x of across) {
      if (!isBetween(x, edges)) continue;
      list.add(x / unit[0], y / unit[1]);
      isEmpty = false;
    }
  }
  const middle = (top + bottom) / 2;
  const x = isEmpty ? middleOfWidestSpan(crossings(corners, middle)) : null;
  if (x !== null) list.add(x / unit[0], middle / unit[1]);
  return list.dots();
}

/** Where a level line crosses a polygon, in order: left and top edges in, right and bottom out. */
function crossings(corners, y) {
  const found = [];
  corners.forEach((from, i) => {
    const to = corners[(i + 1) % corners.length];
    if (from[1] <= y !== to[1] <= y) {
      found.push(from[1] <= to[1] ? edgeX(from, to, y) : edgeX(to, from, y));
    }
  });
  return found.sort((a, b) => a - b);
}

/** Whether a place on a level line has an odd number of its crossings to the right. */
function isBetween(x, edges) {
  let right = 0;
  for (const edge of edges) right += x < edge ? 1 : 0;
  return right % 2 === 1;
}

/** One place for a polygon so thin that no grid dot meets it; null where it encloses nothing. */
function middleOfWidestSpan(edges) {
  let widest = [0, 0];
  for (let i = 0; i + 1 < edges.length; i += 2) {
    if (edges[i + 1] - edges[i] > widest[1] - widest[0]) widest = edges.slice(i, i + 2);
  }
  return widest[1] > widest[0] ? (widest[0] + widest[1]) / 2 : null;
}

function stepCount(low, high, unit) {
  return Math.max(1, Math.floor(((high - low) / unit) * (1 + 1e-9)));
}

function centredSteps(low, high, unit, count) {
  const middle = (low + high) / 2;
  return Array.from({ length: count }, (_, i) => middle + (i - (count - 1) / 2) * unit);
}
