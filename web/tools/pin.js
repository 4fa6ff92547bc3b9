/** Pin: click for a dot that stays, or draw around an area that stays. */

import { addLayer, changeLayers, freshId, layerOf, round } from "../model/document.js";
import { pointAt } from "../model/hit.js";
import { beginLasso, growLasso, lassoPolygon } from "./lasso.js";

const DEFAULT_SPACING = 0.04;

export function pinTool() {
  let lasso = null;
  let grab = null; // { id, index }

  const dot = (point, { document, selection }) => {
    const layer = selectedPin(document, selection);
    const stored = point.map(round);
    if (layer) {
      const points = (old) => ({ points: [...(old.points ?? []), stored] });
      return { commit: changeLayers([layer.id], points), select: [layer.id] };
    }
    const id = freshId(document, "pin");
    const fresh = { id, type: "pin", points: [stored], spacing: DEFAULT_SPACING };
    return { commit: addLayer(fresh), select: [id] };
  };

  const area = (polygon) => ({ type: "pin", polygon, spacing: DEFAULT_SPACING });

  return {
    cursor: "cell",
    onPointerDown(pointer, context) {
      const layer = selectedPin(context.document, context.selection);
      const index = layer ? pointAt(layer, pointer.screen, context.view) : -1;
      if (index >= 0) grab = { id: layer.id, index };
      else lasso = beginLasso(pointer);
      return null;
    },
    onPointerMove(pointer, context) {
      if (grab) return { preview: placeDot(grab, pointer.point) };
      if (!lasso) return null;
      lasso = growLasso(lasso, pointer);
      const polygon = lassoPolygon(lasso, context.view);
      return polygon && { preview: addLayer(area(polygon)) };
    },
    onPointerUp(pointer, context) {
      if (grab) {
        const commit = placeDot(grab, pointer.point);
        grab = null;
        return { commit };
      }
      if (!lasso) return null;
      const polygon = lassoPolygon(lasso, context.view);
      lasso = null;
      if (!polygon) return dot(pointer.point, context);
      const id = freshId(context.document, "pin");
      return { commit: addLayer({ ...area(polygon), id }), select: [id] };
    },
    onCancel() {
      lasso = null;
      grab = null;
    },
  };
}

function selectedPin(document, selection) {
  const layer = layerOf(document, [...selection].at(-1));
  return layer && layer.type === "pin" && !layer.locked ? layer : null;
}

function placeDot({ id, index }, point) {
  return changeLayers([id], (layer) => ({
    points: layer.points.map((old, i) => (i === index ? point.map(round) : old)),
  }));
}
