/** A tool that draws a path and records the timing of the hand: one new layer per stroke. */

import { addLayer, freshId } from "../model/document.js";
import { beginStroke, growStroke, isFlick, isMeant, strokeFields } from "../model/stroke.js";

const QUICK = "Slowed down to one second. Drag its bar to change that, W fills the clip.";

/** `type` is that of the new layers; `moreFields(settings)` gives their fields beside the path. */
export function freehandTool(type, moreFields = () => ({})) {
  let stroke = null;
  const layerFor = (context) => ({
    type,
    ...strokeFields(stroke, context),
    ...moreFields(context.settings),
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
      const message = isDrawn && isFlick(stroke, context) ? QUICK : null;
      stroke = null;
      if (!isDrawn) return { message: "Hold and drag to draw a motion." };
      const id = freshId(context.document, type);
      return { commit: addLayer({ ...layer, id }), select: [id], message };
    },
    onCancel() {
      stroke = null;
    },
  };
}
