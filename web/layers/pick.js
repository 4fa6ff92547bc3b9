/** Which layer is under the pointer. */

import { layerPoints } from "../model/document.js";
import { isInside } from "../model/geometry.js";
import { pointAt, REACH, pathSegmentAt } from "../model/hit.js";
import { toView } from "../model/viewport.js";
import { layerType } from "./index.js";

/** The topmost enabled and unlocked layer under a view point at a clip time, or undefined. */
export function layerAt(document, screen, view, time, reach = REACH) {
  const { drawn_on: drawnOn } = document;
  return document.layers.findLast(
    (layer) => layer.enabled !== false && !layer.locked && isOver(layer, screen, { view, time, reach, drawnOn }),
  );
}

/** Every point by which a selection box finds a layer: its points and its outline. */
export function layerExtent(layer, size) {
  return [...layerPoints(layer), ...(layerType(layer).outline(layer, size) ?? [])];
}

function isOver(layer, screen, { view, time, reach, drawnOn }) {
  const { hasPath, outline, movedPoints } = layerType(layer);
  if (pointAt(layer, screen, view, reach) >= 0) return true;
  if (hasPath && pathSegmentAt(layer, screen, view, drawnOn, reach)) return true;
  const corners = outline(layer, view.size);
  if (!corners) return false;
  const moved = movedPoints ? movedPoints(layer, corners, time, view.size) : corners;
  return isInside(screen, moved.map((point) => toView(view, point)));
}
