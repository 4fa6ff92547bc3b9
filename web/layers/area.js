/** What layers that cover an area share: pinned areas and moved ones. */

import { polygonDots } from "../model/area_dots.js";

/** The polygon of a layer as its outline; null where a mask or nothing gives the area. */
export function polygonOutline(layer) {
  return Array.isArray(layer.polygon) ? layer.polygon : null;
}

/** The dots inside a polygon, flat; none without one. */
export function dotsInside(polygon, spacing, size) {
  return Array.isArray(polygon) ? polygonDots(polygon, spacing, size) : new Float64Array();
}

/** What a layer covers: its drawing, the mask, and `more` choices of the type. */
export function areaField(layer, more = []) {
  const isDrawn = Array.isArray(layer.polygon) || layer.points?.length;
  const drawn = isDrawn ? [["polygon", "Drawn", "What was drawn"]] : [];
  return {
    kind: "choice",
    label: "Area",
    title: "What the layer covers",
    options: [...drawn, ["mask", "Mask", "The mask input"], ...more],
    value: layer.area ?? "polygon",
    change: (area) => ({ area }),
  };
}
