/**
 * The tools of the editor. A tool is a pure state machine: it is told what the pointer does and
 * answers with what should happen, and never touches a page.
 *
 * A tool's handlers take (pointer, context):
 *   pointer: { point: [x, y] fractions of the picture, screen: [x, y] view pixels, seconds,
 *              shift, alt, ctrl }
 *   context: { document, selection: Set of ids, time: playhead 0..1, clipSeconds, size, view,
 *              settings: { brush, curve } }
 * and return null or any of:
 *   preview: an edit to show but not keep (null: back to the document)
 *   commit:  an edit to keep; the document changes once, when the gesture ends
 *   select:  ids to select
 *   box:     two view points of a selection box to draw
 *   message: a hint for the person
 * onCancel() forgets the gesture; nothing it did stays.
 */

import { eraserTool } from "./eraser.js";
import { freehandTool } from "./freehand.js";
import { pathTool } from "./path.js";
import { pinTool } from "./pin.js";
import { regionTool } from "./region.js";
import { selectTool } from "./select.js";
import { sphereTool } from "./sphere.js";

/** Name, key and purpose of every tool, in the order of the toolbar. */
export const TOOLS = [
  { name: "select", key: "v", label: "Select and move", make: selectTool },
  { name: "drag", key: "d", label: "Draw a drag, recorded as you move", make: freehandTool },
  { name: "path", key: "p", label: "Place the points of a path", make: pathTool },
  { name: "pin", key: "n", label: "Pin: click a dot or draw around an area", make: pinTool },
  { name: "sphere", key: "s", label: "Sphere: place it, then spin it", make: sphereTool },
  { name: "region", key: "r", label: "Region: draw around it, then move it", make: regionTool },
  {
    name: "camera",
    key: "c",
    label: "Camera: grab the scene",
    make: () => freehandTool("camera_grab"),
  },
  { name: "eraser", key: "e", label: "Erase", make: eraserTool },
];
