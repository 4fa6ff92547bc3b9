/**
 * Which part of a layer is under the pointer. Reaches are in view pixels, so that picking feels the
 * same at every zoom.
 */

import { layerPoints } from "./document.js";
import { distance, distanceToSegment } from "./geometry.js";
import { toView } from "./viewport.js";

export const REACH = 10;

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
