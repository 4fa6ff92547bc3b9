/** The brush of drags: what it is where nothing is said, its size, and how the pointer sizes it. */

import { changeLayers, round } from "../model/document.js";
import { distance, distanceToSegment } from "../model/geometry.js";
import { pointerAt } from "../model/sample.js";
import { lengthToPicture, lengthToView, toView } from "../model/viewport.js";
import { phrase } from "../model/words.js";

export const DEFAULT_BRUSH = { radius: 0.06, spacing: 0.02, shape: "round", falloff: "rigid" };

/** The largest radius that the inspector offers, of the short side. */
export const MOST_RADIUS = 0.4;
const LEAST_SCALED = 0.005; // a brush without radius would stay one for ever
const SIZING_PX = 90; // pixels of an Alt-drag that make the brush e times as large
const REACH_PX = 8;
const MOST_COMPARED = 40; // points of a line
const ARMS = [6, 7, 5, 0, 4, 1, 3, 2].map((turn) => [Math.cos((turn * Math.PI) / 4), Math.sin((turn * Math.PI) / 4)]);
const arms = new WeakMap(); // chosen once per list of points: layers are never changed in place
const LEAST_ARM_PX = 20; // nearer to the pointer's place its handle could not be told from it

/** A brush of another radius, within what its field in the inspector allows. */
export function scaledBrush(brush, factor) {
  const { radius } = { ...DEFAULT_BRUSH, ...brush };
  return sizedBrush(brush, Math.max(radius, LEAST_SCALED) * factor);
}

function sizedBrush(brush, radius) {
  return { ...brush, radius: round(Math.min(Math.max(radius, LEAST_SCALED), MOST_RADIUS)) };
}

/** Where the handle of a drag's brush is at a clip time, a view point; null while it is absent. */
export function brushHandle(layer, { view, time, drawnOn }) {
  const { point, isPresent } = pointerAt(layer, time, drawnOn);
  if (!isPresent) return null;
  const [x, y] = toView(view, point);
  const { radius } = { ...DEFAULT_BRUSH, ...layer.brush };
  const arm = Math.max(lengthToView(view, radius), LEAST_ARM_PX);
  const [dx, dy] = awayFromPath(layer, drawnOn);
  return { middle: [x, y], at: [x + arm * dx, y + arm * dy] };
}

/** The direction from a path's start that leads farthest from its line, of eight; upwards if it can. */
function awayFromPath({ points, brush }, { width, height }) {
  const known = arms.get(points);
  if (known) return known;
  const { radius } = { ...DEFAULT_BRUSH, ...brush };
  const reach = Math.max(radius, 0.05) * Math.min(width, height);
  const step = Math.ceil(points.length / MOST_COMPARED);
  const line = points
    .filter((_, index) => index % step === 0)
    .map(([, x, y]) => [(x - points[0][1]) * width, (y - points[0][2]) * height]);
  const clearance = ([dx, dy]) => {
    const at = [reach * dx, reach * dy];
    const segments = line.slice(1).map((to, i) => distanceToSegment(at, line[i], to));
    return Math.min(...segments, reach);
  };
  const found = ARMS.reduce((best, arm) => (clearance(arm) > clearance(best) + 1e-6 ? arm : best));
  arms.set(points, found);
  return found;
}

/** Begins to size the brush of a drag by its handle; null where the pointer is beside that. */
export function grabBrush(layer, { screen }, { document, view, time }) {
  const handle = brushHandle(layer, { view, time, drawnOn: document.drawn_on });
  if (!handle || distance(handle.at, screen) > REACH_PX) return null;
  const { radius } = { ...DEFAULT_BRUSH, ...layer.brush };
  const slack = distance(handle.middle, screen) - lengthToView(view, radius);
  const edit = (pointer) => {
    const pixels = Math.max(distance(handle.middle, pointer.screen) - slack, 0);
    const wanted = lengthToPicture(view, pixels);
    return changeLayers([layer.id], (now) => ({ brush: sizedBrush(now.brush, wanted) }));
  };
  const isStill = (pointer) => distance(pointer.screen, screen) < 1;
  return { move: edit, end: (pointer) => (isStill(pointer) ? null : edit(pointer)) };
}

/** The same tool, in which a drag with Alt held sizes the next brush: to the right it grows. */
export function sizedByAlt(tool) {
  let sizing = null; // { from, brush } when the drag began
  return {
    ...tool,
    onPointerDown(pointer, context) {
      if (!pointer.alt) return tool.onPointerDown(pointer, context);
      sizing = { from: pointer, brush: context.settings.brush };
      return null;
    },
    onPointerMove(pointer, context) {
      if (!sizing) return tool.onPointerMove(pointer, context);
      const factor = Math.exp((pointer.screen[0] - sizing.from.screen[0]) / SIZING_PX);
      const brush = scaledBrush(sizing.brush, factor);
      const percent = Math.round(brush.radius * 1000) / 10;
      const message = phrase("Brush: {percent} % of the short side", { percent });
      return { settings: { brush }, brushAt: sizing.from.point, message };
    },
    onPointerUp(pointer, context) {
      if (!sizing) return tool.onPointerUp(pointer, context);
      sizing = null;
      return { preview: null };
    },
    onCancel() {
      sizing = null;
      tool.onCancel();
    },
  };
}
