/**
 * The tools of the editor: those of the types of layers, select and the eraser.
 *
 * An entry has a name, the key that chooses it, a label (its tooltip), a hint for an empty drawing,
 * an icon (SVG content on a 16 by 16 grid) and make(), which returns the tool; and, where it needs
 * them, showsBrush and parts(settings), the parts of the inspector while nothing is selected.
 *
 * A tool is a pure state machine: it receives what the pointer does, answers with what should
 * happen, and never touches a page. Its handlers take (pointer, context):
 *   pointer: { point: [x, y] fractions of the picture, screen: [x, y] view pixels, seconds,
 *              shift, alt, ctrl }
 *   context: { document, selection: Set of ids, time: playhead 0..1, clipSeconds, size, view,
 *              settings: { brush, curve }, point: the chosen { id, index, side? } or null,
 *              isSnapping, drawing: the id of the path that clicks extend, or null }
 * and return null or any of:
 *   preview: an edit to show but not keep (null: back to the document)
 *   commit:  an edit to keep; the document changes once, when the gesture ends
 *   select:  ids to select
 *   box:     two view points of a selection box to draw
 *   message: a hint for the person
 *   drawing: the id of the path that the next click extends, null for none
 *   brushAt: where the next brush is shown while its size changes
 * snapping(pointer, context), where a tool has it, says how its pointer snaps now (see model/snap.js),
 * null for not at all: it is asked before each handler.
 * onCancel() forgets the gesture; nothing it did stays.
 */

import { LAYERS } from "../layers/index.js";
import { eraserTool } from "./eraser.js";
import { selectTool } from "./select.js";

/** The tool that edits what is there. */
export const SELECT = {
  name: "select",
  key: "v",
  label: "Select and move",
  hint: "Click a motion, or draw a box around several.",
  icon: '<path d="M4 2.5v10l2.7-2.5 1.8 3.6 1.8-.9-1.8-3.5 3.6-.4z"/>',
  make: selectTool,
};
const ERASER = {
  name: "eraser",
  key: "e",
  label: "Erase",
  hint: "Drag over what should go.",
  icon: '<path d="M6 13h7.500"/><path d="M2.800 9.700l6-6a1.200 1.200 0 0 1 1.700 0l2.300 2.300a1.200 1.200 0 0 1 0 1.700L7.500 13H5.200l-2.400-1.600a1.200 1.200 0 0 1 0-1.700zM6.300 6.200l4 4"/>',
  make: eraserTool,
};

/** Every tool, in the order of the toolbar. */
export const TOOLS = [SELECT, ...LAYERS.flatMap(({ tools }) => tools), ERASER];

/** The tool of a new editor. */
export const FIRST_TOOL = LAYERS[0].tools[0].name;

/** The entry of a tool. */
export function toolNamed(name) {
  return TOOLS.find((tool) => tool.name === name);
}
