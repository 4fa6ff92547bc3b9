/** Freehand drag: draw a line and the brush follows it with the timing of the hand. */

import { addLayer, freshId } from "../model/document.js";
import { beginStroke, growStroke, isMeant, strokeFields } from "./stroke.js";

/** A tool that records one new layer per stroke; `type` is "drag" or "camera_grab". */
export function freehandTool(type = "drag") {
  let stroke = null;
  const layerFor = (context) => ({
    type,
    ...strokeFields(stroke, context),
    ...(type === "drag" ? { brush: { ...context.settings.brush } } : {}),
  });
  return {
    cursor: "crosshair",
    onPointerDown(pointer) {
      stroke = beginStroke(pointer);
      return null;
    },
    onPointerMove(pointer, context) {
      if (!stroke) return null;
      stroke = growStroke(stroke, pointer);
      return { preview: addLayer(layerFor(context)) };
    },
    onPointerUp(pointer, context) {
      if (!stroke) return null;
      const isDrawn = isMeant(stroke, context.view);
      const layer = isDrawn && layerFor(context);
      stroke = null;
      if (!isDrawn) return { message: "Hold and drag to draw a motion." };
      const id = freshId(context.document, type);
      return { commit: addLayer({ ...layer, id }), select: [id] };
    },
    onCancel() {
      stroke = null;
    },
  };
}
