/**
 * Snapping: a place under the pointer is drawn to points that are there, and to levels of them, of
 * the picture's edges and middle, and of the grid. Each axis snaps on its own.
 */

import { layerPoints } from "./document.js";
import { distance } from "./geometry.js";
import { toView } from "./viewport.js";

const REACH_PX = 7;
const GUIDES = [0, 0.5, 1]; // edges and middle of the picture
const GRID_PENALTY_PX = 2; // a point or a guide as near as a line of the grid goes first

/**
 * A place [x, y] in fractions as it snaps: { point, guides }, where guides are the levels that took
 * hold: { axis: 0 | 1, at }. `how` is { except: { ids, id, index }, offset }: layers or the point that
 * are being moved, and where what is moved lies from the place. The grid's cell is a fraction of the
 * short side.
 */
export function snapped(point, { document, view, cell }, { except = {}, offset = [0, 0] } = {}) {
  const wanted = point.map((value, axis) => value + offset[axis]);
  const others = pointsOf(document, except);
  const near = nearestPoint(others, wanted, view);
  const levels = near
    ? near.map((at, axis) => ({ axis, at }))
    : [0, 1].map((axis) => nearestLevel(axis, wanted, { others, view, cell }));
  return {
    point: point.map((value, axis) => (levels[axis] ? levels[axis].at - offset[axis] : value)),
    guides: levels.filter(Boolean),
  };
}

/** Points that others may snap to; of a recorded line its two ends. */
function pointsOf({ layers }, { ids = [], id, index }) {
  const shown = layers.filter((layer) => layer.enabled !== false && !ids.includes(layer.id));
  return shown.flatMap((layer) => {
    const isRecorded = layer.points?.[0]?.length === 3 && (layer.curve ?? "recorded") === "recorded";
    const points = layerPoints(layer);
    const kept = isRecorded ? [points[0], points.at(-1)] : points;
    const all = [...kept, ...(layer.polygon ?? []), ...(layer.center ? [layer.center] : [])];
    return layer.id === id ? all.filter((_, place) => place !== index) : all;
  });
}

function nearestPoint(others, wanted, view) {
  const screen = toView(view, wanted);
  let best = { gap: REACH_PX, point: null };
  for (const point of others) {
    const gap = distance(toView(view, point), screen);
    if (gap < best.gap) best = { gap, point };
  }
  return best.point;
}

/** The nearest level within reach on one axis, or null. */
function nearestLevel(axis, wanted, { others, view, cell }) {
  const { size, scale } = view;
  const pixels = (axis ? size.height : size.width) * scale;
  const step = (cell * Math.min(size.width, size.height)) / (axis ? size.height : size.width);
  const value = wanted[axis];
  let best = { gap: REACH_PX, at: null };
  const offer = (at, penalty = 0) => {
    const gap = Math.abs(at - value) * pixels + penalty;
    if (gap < best.gap) best = { gap, at };
  };
  for (const point of others) offer(point[axis]);
  GUIDES.forEach((at) => offer(at));
  offer(Math.round(value / step) * step, GRID_PENALTY_PX);
  return best.at === null ? null : { axis, at: best.at };
}
