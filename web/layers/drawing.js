/** Parts of a layer's drawing that several types share. `style` is described in index.js. */

import { layerPoints } from "../model/document.js";
import { shownHandles } from "../model/handles.js";
import { pointerAt } from "../model/sample.js";
import { lengthToView, toView } from "../model/viewport.js";
import {
  PAPER,
  drawArrowHead,
  drawHandle,
  drawKnob,
  drawRing,
  fillDots,
  strokeLine,
} from "./marks.js";
import { isRecorded } from "./path.js";

const LEAST_TICK_GAP = 4;
const MOST_DOTS_DRAWN = 2500;
const shown = new Float64Array(2 * (MOST_DOTS_DRAWN + 1)); // view points of one drawing
const LEAST_CASED_GAP = 3; // closer together the dark would hide the picture

/** The width of a layer's line. */
export function lineWidth({ isSelected }) {
  return isSelected ? 2.5 : 1.75;
}

/** A drawn path: line, ticks, arrow, points, and the pointer at the playhead. */
export function drawPathLayer(context, layer, style, { dash = [], hasHandles = false } = {}) {
  const { view, color } = style;
  const motion = style.motions.of(layer, style);
  const line = motion.line.map((point) => toView(view, point));
  strokeLine(context, line, { color, width: lineWidth(style), dash });
  drawTicks(context, motion, style);
  drawArrowHead(context, line, { color });
  if (hasHandles && style.isSelected && !isRecorded(layer)) drawPointHandles(context, layer, style);
  drawPathPoints(context, layer, style);
  drawPointer(context, layer, style);
}

/** All tracks of a layer, the smaller the closer they lie, so that the picture stays visible. */
export function drawTracks(context, { tracks }, style, spacing) {
  const { view, time, color, isSelected, opacity = 1 } = style;
  const { xy, visible } = tracks.at(time);
  const step = Math.ceil(visible.length / MOST_DOTS_DRAWN);
  const { left, top, scale, size } = view;
  const [across, down] = [size.width * scale, size.height * scale];
  let used = 0;
  for (let dot = 0; dot < visible.length; dot += step) {
    if (!visible[dot]) continue;
    shown[used] = left + xy[2 * dot] * across;
    shown[used + 1] = top + xy[2 * dot + 1] * down;
    used += 2;
  }
  const gap = lengthToView(view, spacing) * Math.sqrt(step);
  const radius = Math.min(Math.max(gap * (isSelected ? 0.2 : 0.15), 0.6), 2.2);
  // Faint marks over a playing clip need no dark under them, and every frame is drawn anew.
  const casing = gap > LEAST_CASED_GAP && opacity === 1 ? Math.min(gap / 8, 1) : 0;
  fillDots(context, shown.subarray(0, used), { color, radius, casing });
}

/** A mark at every frame, or every second, fifth… where they would touch: spacing shows speed. */
export function drawTicks(context, { ticks, line }, { view, isSelected }) {
  if (!isSelected || ticks.length < 3) return;
  const gap = lengthOf(line.map((point) => toView(view, point))) / (ticks.length - 1);
  const step = [1, 2, 5, 10, 20, 50].find((count) => gap * count >= LEAST_TICK_GAP) ?? 100;
  const marks = ticks.filter((_, i) => i % step === 0).flatMap((point) => toView(view, point));
  fillDots(context, marks, { color: "#ffffff", radius: 1.3 });
}

/** Where the pointer of a path is at the playhead. */
export function drawPointer(context, layer, { view, time, drawnOn, color }) {
  const { point, isPresent } = pointerAt(layer, time, drawnOn);
  if (!isPresent) return;
  const at = toView(view, point);
  drawRing(context, at, 7, { color: "#ffffff", width: 1.5 });
  fillDots(context, at, { color, radius: 3 });
}

/** A polygon's outline. */
export function drawOutline(context, polygon, style) {
  if (!Array.isArray(polygon) || polygon.length < 2) return;
  const corners = polygon.map((point) => toView(style.view, point));
  strokeLine(context, corners, { color: style.color, width: lineWidth(style), closed: true });
}

/** Whether a point of a layer is the chosen one. */
export function isChosen(layer, index, { point }) {
  return point?.id === layer.id && point.index === index;
}

/** The length of a line of view points. */
export function lengthOf(points) {
  return points
    .slice(1)
    .reduce((sum, [x, y], i) => sum + Math.hypot(x - points[i][0], y - points[i][1]), 0);
}

/** The handles of a path's points: those that were set, and those of the chosen point. */
function drawPointHandles(context, layer, { view, color, point, drawnOn }) {
  const chosen = point?.id === layer.id ? point.index : -1;
  for (const { index, side, isOwn, from, to } of shownHandles(layer, chosen, drawnOn)) {
    const at = toView(view, to);
    strokeLine(context, [toView(view, from), at], { color: PAPER, width: 1 });
    const isActive = index === chosen && side === point.side;
    drawKnob(context, at, { color, isActive, isFilled: isOwn });
  }
}

function drawPathPoints(context, layer, style) {
  const { view, color, isSelected } = style;
  const points = layerPoints(layer).map((point) => toView(view, point));
  if (!isSelected || isRecorded(layer)) {
    drawHandle(context, points[0], { color, radius: isSelected ? 4 : 3 });
    return;
  }
  points.forEach((at, index) => {
    drawHandle(context, at, { color, isActive: isChosen(layer, index, style) });
  });
}
