/** Eraser: drag over what should go; single pinned dots go one by one, everything else whole. */

import { layerType } from "../layers/index.js";
import { layerAt } from "../layers/pick.js";
import { changeLayers, edits, removeLayers } from "../model/document.js";
import { pointAt } from "../model/hit.js";

export function eraserTool() {
  let steps = null; // the edits of this gesture, in order

  const erase = ({ screen }, { document, view, time }) => {
    const now = edits(...steps)(document);
    const layer = layerAt(now, screen, view, time);
    if (layer) steps.push(erasing(layer, pointAt(layer, screen, view)));
  };

  return {
    cursor: "not-allowed",
    onPointerDown(pointer, context) {
      steps = [];
      erase(pointer, context);
      return { preview: edits(...steps) };
    },
    onPointerMove(pointer, context) {
      if (!steps) return null;
      erase(pointer, context);
      return { preview: edits(...steps) };
    },
    onPointerUp() {
      const commit = steps?.length ? edits(...steps) : null;
      steps = null;
      return commit && { commit, select: [] };
    },
    onCancel() {
      steps = null;
    },
  };
}

function erasing(layer, index) {
  const fields = index < 0 ? null : layerType(layer).erasePoint?.(layer, index);
  return fields ? changeLayers([layer.id], fields) : removeLayers([layer.id]);
}
