/**
 * Parts of a selected layer that its type lets the pointer grab: a sphere's ball and rim, a brush's
 * size. `grab(layer, pointer, context)` of a type returns null beside them, or a gesture:
 * { move(pointer, context), end(pointer, context) }, which give the edit so far and the one to keep,
 * null for none.
 */

import { layerOfType } from "../model/document.js";

/** A tool in which the parts of the selected layer of a type are grabbed first. */
export function withGrab(tool, type, grab) {
  let gesture = null;
  return {
    ...tool,
    snapping: (...args) => (gesture ? null : (tool.snapping?.(...args) ?? null)),
    onPointerDown(pointer, context) {
      const layer = layerOfType(context.document, [...context.selection].at(-1), type);
      const isAlone = context.selection.size === 1 && !layer?.locked;
      const canGrab = layer && isAlone && !pointer.alt && !context.drawing;
      gesture = canGrab ? grab(layer, pointer, context) : null;
      return gesture ? null : tool.onPointerDown(pointer, context);
    },
    onPointerMove(pointer, context) {
      if (!gesture) return tool.onPointerMove(pointer, context);
      return { preview: gesture.move(pointer, context) };
    },
    onPointerUp(pointer, context) {
      if (!gesture) return tool.onPointerUp(pointer, context);
      const commit = gesture.end(pointer, context);
      gesture = null;
      return commit ? { commit } : { preview: null };
    },
    onCancel() {
      gesture = null;
      tool.onCancel();
    },
  };
}
