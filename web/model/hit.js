/**
 * What lies under the pointer. Reaches are in view pixels, so that picking feels the same at every
 * zoom; the order is what people expect: handles of the selection first, then the topmost layer.
 */

import { hasPath } from "./document.js";
import { distance, distanceToSegment, isInside } from "./geometry.js";
import { layerOutline, layerPoints, movedByRegion } from "./layers.js";
import { samplePath } from "./sample.js";
import { toView } from "./viewport.js";

export const REACH = 10;
const LINE_SAMPLES = 96;

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

/** The index of the point after which a path passes within reach of a view point; -1 for none. */
export function segmentAt(layer, screen, view, reach = REACH) {
  const points = layerPoints(layer).map((point) => toView(view, point));
  return points
    .slice(1)
    .findIndex((point, index) => distanceToSegment(screen, points[index], point) <= reach);
}

/** The topmost enabled and unlocked layer under a view point at a clip time, or undefined. */
export function layerAt(document, screen, view, time, reach = REACH) {
  return document.layers.findLast(
    (layer) => layer.enabled !== false && !layer.locked && isOver(layer, screen, view, time, reach),
  );
}

/** A path's drawn line as view points. */
export function lineOnView(layer, view, drawnOn) {
  const count = layer.curve === "catmull_rom" ? Math.max(LINE_SAMPLES, layer.points.length * 8) : 0;
  if (!count) return layerPoints(layer).map((point) => toView(view, point));
  const even = { points: layer.points.map(([, x, y]) => [null, x, y]), curve: layer.curve };
  const times = Array.from({ length: count + 1 }, (_, i) => i / count);
  const { xy } = samplePath(even, times, { width: 1, height: 1 }, drawnOn);
  return xy.map((point) => toView(view, point));
}

function isOver(layer, screen, view, time, reach) {
  if (pointAt(layer, screen, view, reach) >= 0) return true;
  if (hasPath(layer) && segmentAt(layer, screen, view, reach) >= 0) return true;
  const outline = layerOutline(layer, view.size);
  if (!outline) return false;
  const moved = layer.type === "region" ? movedByRegion(layer, outline, time, view.size) : outline;
  return isInside(screen, moved.map((point) => toView(view, point)));
}
