/** How each type of layer looks on the picture. */

import { DEFAULT_BRUSH, layerPoints, movedByRegion } from "../../model/layers.js";
import { SPACING, pointerAt } from "../../model/dots.js";
import { lengthToView, toView } from "../../model/viewport.js";
import { regionHandles } from "../../tools/region.js";
import { drawArrowHead, drawHandle, drawRing, fillDots, strokeLine } from "./brushwork.js";

const FALLBACK_COLOR = "#4dc9ff";
const LEAST_TICK_GAP = 4;
const MOST_DOTS_DRAWN = 2500;
const LEAST_CASED_GAP = 3; // closer together the dark would hide the picture

/**
 * Draws one layer. `scene` is {view, time, size, drawnOn, frames, book, tool, point}; `mood` is
 * {isSelected, isFaint}.
 */
export function drawLayer(context, layer, scene, mood) {
  const color = layer.color ?? FALLBACK_COLOR;
  context.globalAlpha = mood.isFaint ? 0.45 : 1;
  const looks = { pin: drawPin, sphere: drawSphere, region: drawRegion };
  (looks[layer.type] ?? drawPath)(context, layer, { ...scene, color, ...mood });
  context.globalAlpha = 1;
}

function drawPath(context, layer, look) {
  const { view, book, color, isSelected } = look;
  const sketch = book.of(layer, look);
  const line = sketch.line.map((point) => toView(view, point));
  drawBrush(context, layer, sketch, look);
  strokeLine(context, line, {
    color,
    width: isSelected ? 2.5 : 1.75,
    dash: layer.type === "camera_grab" ? [7, 5] : [],
  });
  drawTicks(context, sketch, look);
  drawArrowHead(context, line, { color });
  drawPoints(context, layer, look);
  drawPointer(context, layer, look);
}

/** The dots that will be tracked, where they are now; for a selected drag also the brush's rim. */
function drawBrush(context, layer, sketch, look) {
  const { view, time, color, isSelected } = look;
  if (layer.type !== "drag") return;
  drawDots(context, sketch, look, { ...DEFAULT_BRUSH, ...layer.brush }.spacing);
  if (!isSelected) return;
  const { point, isShown } = pointerAt(layer, time, look.drawnOn);
  const radius = lengthToView(view, { ...DEFAULT_BRUSH, ...layer.brush }.radius);
  const isRound = (layer.brush?.shape ?? "round") === "round";
  if (isShown && radius > 3 && isRound) {
    drawRing(context, toView(view, point), radius, { color, width: 1, dash: [3, 4] });
  }
}

/** All dots of a layer, the smaller the closer they lie, so that the picture stays to be seen. */
function drawDots(context, { mover }, { view, time, color, isSelected }, spacing) {
  const { xy, shown } = mover.at(time);
  const step = Math.ceil(xy.length / MOST_DOTS_DRAWN);
  const dots = xy.filter((_, i) => shown[i] && i % step === 0).map((point) => toView(view, point));
  const gap = lengthToView(view, spacing) * Math.sqrt(step);
  const radius = Math.min(Math.max(gap * (isSelected ? 0.2 : 0.15), 0.6), 2.2);
  fillDots(context, dots, { color, radius, casing: gap > LEAST_CASED_GAP ? Math.min(gap / 8, 1) : 0 });
}

/** A mark at every frame, or every second, fifth… where they would touch: spacing shows speed. */
function drawTicks(context, { ticks, line }, { view, isSelected }) {
  if (!isSelected || ticks.length < 3) return;
  const length = lengthOf(line.map((point) => toView(view, point)));
  const gap = length / (ticks.length - 1);
  const step = [1, 2, 5, 10, 20, 50].find((count) => gap * count >= LEAST_TICK_GAP) ?? 100;
  const shown = ticks.filter((_, i) => i % step === 0).map((point) => toView(view, point));
  fillDots(context, shown, { color: "#ffffff", radius: 1.3 });
}

function drawPoints(context, layer, { view, color, isSelected, point }) {
  const points = layerPoints(layer).map((p) => toView(view, p));
  const isRecorded = (layer.curve ?? "recorded") === "recorded";
  if (!isSelected || isRecorded) {
    drawHandle(context, points[0], { color, radius: isSelected ? 4 : 3 });
    return;
  }
  points.forEach((at, index) => {
    const isActive = point?.id === layer.id && point.index === index;
    drawHandle(context, at, { color, isActive });
  });
}

/** Where the pointer of a path is at the playhead. */
function drawPointer(context, layer, { view, time, drawnOn, color }) {
  const { point, isShown } = pointerAt(layer, time, drawnOn);
  if (!isShown) return;
  const at = toView(view, point);
  drawRing(context, at, 7, { color: "#ffffff", width: 1.5 });
  fillDots(context, [at], { color, radius: 3 });
}

function drawPin(context, layer, look) {
  const { view, color, isSelected, point } = look;
  drawOutline(context, layer.polygon, look);
  drawDots(context, look.book.of(layer, look), look, layer.spacing ?? SPACING.pin);
  (layer.points ?? []).forEach((at, index) => {
    const isActive = point?.id === layer.id && point.index === index;
    drawHandle(context, toView(view, at), { color, radius: isSelected ? 4.5 : 3.5, isActive });
  });
}

function drawSphere(context, layer, look) {
  const { view, color, isSelected } = look;
  const center = toView(view, layer.center ?? [0.5, 0.5]);
  const radius = lengthToView(view, layer.radius ?? 0.2);
  const sketch = look.book.of(layer, look);
  drawDots(context, sketch, look, layer.spacing ?? SPACING.sphere);
  drawRing(context, center, radius, { color, width: isSelected ? 2.5 : 1.75 });
  const spin = sketch.line.map((point) => toView(view, point));
  if (lengthOf(spin) > 4) {
    strokeLine(context, spin, { color, width: 1.75 });
    drawArrowHead(context, spin, { color });
    drawPointer(context, layer, look);
  }
  if (!isSelected) return;
  drawTicks(context, sketch, look);
  drawHandle(context, center, { color });
  drawHandle(context, [center[0] + radius, center[1]], { color });
}

function drawRegion(context, layer, look) {
  const { view, time, size, color, isSelected, tool } = look;
  const outline = Array.isArray(layer.polygon) ? layer.polygon : [];
  drawWay(context, layer, look);
  if (isSelected && (layer.keys ?? []).length > 1) {
    const still = outline.map((point) => toView(view, point));
    context.globalAlpha *= 0.45;
    strokeLine(context, still, { color, width: 1.25, closed: true, dash: [3, 4] });
    context.globalAlpha = 1;
  }
  drawOutline(context, movedByRegion(layer, outline, time, size), look);
  drawDots(context, look.book.of(layer, look), look, layer.spacing ?? SPACING.region);
  if (!isSelected || tool !== "region" || layer.locked) return;
  const { middle, turn, zoom } = regionHandles(layer, { view, time });
  strokeLine(context, [middle, turn], { color, width: 1, dash: [2, 3] });
  strokeLine(context, [middle, zoom], { color, width: 1, dash: [2, 3] });
  [middle, turn, zoom].forEach((at) => drawHandle(context, at, { color }));
  drawGlyph(context, turn, "↻");
  drawGlyph(context, zoom, "⤢");
}

/** The way of a region's middle from key to key. */
function drawWay(context, layer, look) {
  const { view, color } = look;
  if ((layer.keys ?? []).length < 2) return;
  const way = look.book.of(layer, look).way.map((point) => toView(view, point));
  strokeLine(context, way, { color, width: 1.5 });
  drawArrowHead(context, way, { color });
}

function drawOutline(context, polygon, { view, color, isSelected }) {
  if (!Array.isArray(polygon) || polygon.length < 2) return;
  const corners = polygon.map((point) => toView(view, point));
  strokeLine(context, corners, { color, width: isSelected ? 2.5 : 1.75, closed: true });
}

function drawGlyph(context, [x, y], glyph) {
  context.fillStyle = "#10131a";
  context.font = "9px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(glyph, x, y + 0.5);
}

function lengthOf(points) {
  return points
    .slice(1)
    .reduce((sum, [x, y], i) => sum + Math.hypot(x - points[i][0], y - points[i][1]), 0);
}
