/**
 * Handles of path points: the control points of a Bezier curve before and after each point.
 *
 * A layer's "handles" has for each point null, where the smooth curve through the points decides, or
 * [inX, inY, outX, outY] from the point, in fractions of the picture. Angles are those on the canvas
 * that was drawn on. Every edit here returns the fields of the layer that change.
 */

import { automaticHandles } from "./curves.js";
import { round } from "./document.js";

const RETRACTED = [0, 0, 0, 0];
const STRAIGHT = 1e-3; // sine of the angle between two handles that still count as one line
const SIDES = { in: 0, out: 2 };
const automatic = new WeakMap(); // found once per list of points: layers are never changed in place

/** The handles of a point as the curve runs now, its own or those that the curve implies. */
export function handlesOf(layer, index, drawnOn) {
  const own = ownHandles(layer, index);
  if (own) return own;
  return layer.curve === "linear" ? RETRACTED : automaticOf(layer, drawnOn)[index];
}

/** The handles that were set for a point; null for none. */
export function ownHandles(layer, index) {
  return layer.curve === "bezier" ? (layer.handles?.[index] ?? null) : null;
}

/** "auto", "smooth" (both handles on one line) or "corner". */
export function handleKind(layer, index, drawnOn) {
  const own = ownHandles(layer, index);
  if (!own) return layer.curve === "linear" ? "corner" : "auto";
  return isStraight(own, drawnOn) ? "smooth" : "corner";
}

/** The handles that can be seen and grabbed: those that were set, and those of the chosen point. */
export function shownHandles(layer, chosen, drawnOn) {
  const last = layer.points.length - 1;
  const shown = [];
  layer.points.forEach(([, x, y], index) => {
    const own = ownHandles(layer, index);
    if (!own && index !== chosen) return;
    const offsets = own ?? handlesOf(layer, index, drawnOn);
    for (const [side, at] of Object.entries(SIDES)) {
      const [dx, dy] = offsets.slice(at, at + 2);
      const hasLine = side === "in" ? index > 0 : index < last;
      if (!hasLine || (!dx && !dy)) continue;
      shown.push({ index, side, isOwn: Boolean(own), from: [x, y], to: [x + dx, y + dy] });
    }
  });
  return shown;
}

/** Edit: puts one handle at a place. The other one turns with it unless the point is a corner. */
export function movedHandle(layer, { index, side }, [x, y], { drawnOn, isBroken = false }) {
  const [, px, py] = layer.points[index];
  const old = handlesOf(layer, index, drawnOn);
  const next = [...old];
  next.splice(SIDES[side], 2, x - px, y - py);
  const isTurned = !isBroken && handleKind(layer, index, drawnOn) !== "corner";
  return withHandles(layer, index, isTurned ? turned(next, side, drawnOn) : next);
}

/** Edit: pulls both handles out of a point, evenly: the one after it to a place. */
export function pulledHandles(layer, index, [x, y]) {
  const [, px, py] = layer.points[index];
  return withHandles(layer, index, [px - x, py - y, x - px, y - py]);
}

/** Edit: makes a point "auto", "smooth" or a "corner". */
export function ofKind(layer, index, kind, drawnOn) {
  if (kind === "auto") return withHandles(layer, index, null);
  if (kind === "corner") return withHandles(layer, index, RETRACTED);
  const now = handlesOf(layer, index, drawnOn);
  const isBare = now.every((value) => value === 0);
  const source = isBare ? automaticOf(layer, drawnOn)[index] : now;
  return withHandles(layer, index, turned(source, "out", drawnOn));
}

/** Edit: a smooth point becomes a corner, a corner a smooth one. */
export function toggledKind(layer, index, drawnOn) {
  const isCorner = handleKind(layer, index, drawnOn) === "corner";
  return ofKind(layer, index, isCorner ? "auto" : "corner", drawnOn);
}

/** Edit: takes one handle back into its point. */
export function retractedHandle(layer, { index, side }, drawnOn) {
  const next = [...handlesOf(layer, index, drawnOn)];
  next.splice(SIDES[side], 2, 0, 0);
  return withHandles(layer, index, next);
}

/**
 * Edit: a new point before point `index`; on a Bezier curve at the share `v` of the piece there,
 * which keeps its shape.
 */
export function withPointInserted(layer, index, point, { v, drawnOn }) {
  const before = layer.points.slice(0, index);
  const after = layer.points.slice(index);
  const placed = (at) => [...before, [null, ...at.map(round)], ...after];
  if (layer.curve !== "bezier") {
    const handles = layer.handles?.toSpliced(index, 0, null);
    return { points: placed(point), ...(handles && { handles }) };
  }
  const { at, start, middle, end } = splitPiece(layer, index - 1, v, drawnOn);
  const handles = bezierHandles(layer).toSpliced(index - 1, 2, start, middle, end);
  return { points: placed(at), handles };
}

function splitPiece(layer, index, v, drawnOn) {
  const [from, to] = [layer.points[index].slice(1), layer.points[index + 1].slice(1)];
  const [first, last] = [handlesOf(layer, index, drawnOn), handlesOf(layer, index + 1, drawnOn)];
  const mix = (a, b) => a.map((value, axis) => value + v * (b[axis] - value));
  const less = (a, b) => a.map((value, axis) => value - b[axis]);
  const out = [from[0] + first[2], from[1] + first[3]];
  const into = [to[0] + last[0], to[1] + last[1]];
  const [a, b, c] = [mix(from, out), mix(out, into), mix(into, to)];
  const [left, right] = [mix(a, b), mix(b, c)];
  const at = mix(left, right);
  const stored = (...parts) => parts.flat().map(round);
  return {
    at,
    start: stored(first.slice(0, 2), less(a, from)),
    middle: stored(less(left, at), less(right, at)),
    end: stored(less(c, to), last.slice(2)),
  };
}

/** The layer's handles as a Bezier curve; those that the other curves imply where it is none. */
function bezierHandles(layer) {
  const none = () => layer.points.map(() => (layer.curve === "linear" ? RETRACTED : null));
  return layer.curve === "bezier" ? (layer.handles ?? none()) : none();
}

function withHandles(layer, index, own) {
  const handles = bezierHandles(layer).with(index, own && own.map(round));
  return { curve: "bezier", handles };
}

function automaticOf(layer, { width, height }) {
  const known = automatic.get(layer.points);
  if (known?.width === width && known.height === height) return known.handles;
  const pixels = layer.points.map(([, x, y]) => [x * width, y * height]);
  const handles = automaticHandles(pixels).map(([inX, inY, outX, outY]) => [
    ...[inX / width, inY / height],
    ...[outX / width, outY / height],
  ]);
  automatic.set(layer.points, { width, height, handles });
  return handles;
}

/** The handles with the other one put on the line of the one at `side`, at its own length. */
function turned(offsets, side, { width, height }) {
  const at = SIDES[side];
  const other = 2 - at;
  const [x, y] = [offsets[at] * width, offsets[at + 1] * height];
  const length = Math.hypot(offsets[other] * width, offsets[other + 1] * height);
  const reach = Math.hypot(x, y);
  if (!reach || !length) return offsets;
  const next = [...offsets];
  next.splice(other, 2, (-x / reach) * (length / width), (-y / reach) * (length / height));
  return next;
}

function isStraight([inX, inY, outX, outY], { width, height }) {
  const [ax, ay, bx, by] = [inX * width, inY * height, outX * width, outY * height];
  const lengths = Math.hypot(ax, ay) * Math.hypot(bx, by);
  const isOpposite = ax * bx + ay * by < 0;
  return lengths > 0 && isOpposite && Math.abs(ax * by - ay * bx) <= STRAIGHT * lengths;
}
