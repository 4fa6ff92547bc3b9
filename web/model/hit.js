/**
 * Which part of a layer is under the pointer. Reaches are in view pixels, so that picking feels the
 * same at every zoom.
 */

import { piecePoints } from "./curves.js";
import { layerPoints } from "./document.js";
import { distance, distanceToSegment, projection } from "./geometry.js";
import { shownHandles } from "./handles.js";
import { measuredLine } from "./sample.js";
import { toView } from "./viewport.js";

export const REACH = 10;
const PIECE_STEPS = 16; // of a curved piece, for finding the pointer on it
const traces = new WeakMap(); // sampled once per line

/** The index of the layer's point within reach of a view point, nearest first; -1 for none. */
export function pointAt(layer, screen, view, reach = REACH) {
  let best = { index: -1, gap: reach };
  layerPoints(layer).forEach((point, index) => {
    const gap = distance(toView(view, point), screen);
    if (gap <= best.gap) best = { index, gap };
  });
  return best.index;
}

/** The index of the corner of the layer's polygon within reach; -1 for none. */
export function cornerAt(layer, screen, view, reach = REACH) {
  const corners = Array.isArray(layer.polygon) ? layer.polygon : [];
  return corners.findIndex((corner) => distance(toView(view, corner), screen) <= reach);
}

/** The handle {index, side} within reach of a view point, nearest first; null for none. */
export function handleAt(layer, screen, { view, drawnOn, point }, reach = REACH) {
  let best = { handle: null, gap: reach };
  const chosen = point?.id === layer.id ? point.index : -1;
  for (const { index, side, from, to } of shownHandles(layer, chosen, drawnOn)) {
    const gap = distance(toView(view, to), screen);
    const isPoints = gap > distance(toView(view, from), screen); // nearer to the point itself
    if (gap <= best.gap && !isPoints) best = { handle: { index, side }, gap };
  }
  return best.handle;
}

/**
 * Where a path's line passes within reach of a view point: { index, v }, the point before it and how
 * far it is to the next one, 0..1, along the curve's parameter; null for nowhere.
 */
export function pathSegmentAt(layer, screen, view, drawnOn, reach = REACH) {
  const points = layerPoints(layer);
  const isCurved = layer.curve === "catmull_rom" || layer.curve === "bezier";
  if (!isCurved) return nearestOn(points.map((point) => toView(view, point)), screen, reach);
  const { measured } = measuredLine(layer, drawnOn);
  for (const [place, piece] of traceOf(measured, drawnOn).entries()) {
    const hit = nearestOn(piece.map((point) => toView(view, point)), screen, reach);
    if (hit) return { index: pointBefore(measured, place), v: (hit.index + hit.v) / PIECE_STEPS };
  }
  return null;
}

/** The first segment of a line of view points within reach, and how far along it. */
function nearestOn(line, screen, reach) {
  for (let index = 0; index + 1 < line.length; index += 1) {
    const [from, to] = [line[index], line[index + 1]];
    if (distanceToSegment(screen, from, to) > reach) continue;
    return { index, v: Math.min(Math.max(projection(screen, from, to), 0), 1) };
  }
  return null;
}

/** Points along each piece of a curved path, in fractions of the picture. */
function traceOf(measured, drawnOn) {
  if (!traces.has(measured)) {
    const { width, height } = drawnOn;
    const pieces = piecePoints(measured, PIECE_STEPS);
    traces.set(measured, pieces.map((piece) => piece.map(([x, y]) => [x / width, y / height])));
  }
  return traces.get(measured);
}

/** The last point at which a piece starts: points that lie on each other count as one. */
function pointBefore({ pointLengths, table, pieces }, piece) {
  const steps = (table.length - 1) / pieces.length;
  return pointLengths.lastIndexOf(table[piece * steps]);
}
