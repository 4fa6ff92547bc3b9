/** Eraser: drag over what should go; single pin dots go one by one, everything else whole. */

import { changeLayers, edits, removeLayers } from "../model/document.js";
import { layerAt, pointAt } from "../model/hit.js";

export function eraserTool() {
  let touched = null; // the edits of this gesture, in order

  const erase = ({ screen }, { document, view, time }) => {
    const now = edits(...touched)(document);
    const layer = layerAt(now, screen, view, time);
    if (layer) touched.push(erasing(layer, pointAt(layer, screen, view)));
  };

  return {
    cursor: "not-allowed",
    onPointerDown(pointer, context) {
      touched = [];
      erase(pointer, context);
      return { preview: edits(...touched) };
    },
    onPointerMove(pointer, context) {
      if (!touched) return null;
      erase(pointer, context);
      return { preview: edits(...touched) };
    },
    onPointerUp() {
      const commit = touched?.length ? edits(...touched) : null;
      touched = null;
      return commit && { commit, select: [] };
    },
    onCancel() {
      touched = null;
    },
  };
}

function erasing(layer, index) {
  const isOneDot = layer.type === "pin" && index >= 0 && layer.points.length > 1;
  if (!isOneDot) return removeLayers([layer.id]);
  return changeLayers([layer.id], { points: layer.points.filter((_, i) => i !== index) });
}
