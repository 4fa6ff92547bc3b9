/**
 * Region: draw around an area, then move, turn and zoom it; each change sets a key at the playhead.
 */

import { addLayer, changeLayers, freshId, layerOf, round } from "../model/document.js";
import { distance, isInside } from "../model/geometry.js";
import { REACH } from "../model/hit.js";
import { movedByRegion, regionPivot } from "../model/layers.js";
import { sampleRegion } from "../model/sample.js";
import { toView } from "../model/viewport.js";
import { beginLasso, growLasso, lassoPolygon } from "./lasso.js";

const HANDLE_GAP_PX = 26;
const SAME_TIME = 1e-4;

export function regionTool() {
  let lasso = null;
  let gesture = null; // { kind: "move" | "turn" | "zoom", id, from, pose }

  return {
    cursor: "crosshair",
    onPointerDown(pointer, context) {
      const layer = selectedRegion(context);
      const kind = layer && gestureOn(layer, pointer.screen, context);
      if (kind) gesture = { kind, id: layer.id, from: pointer, pose: poseAt(layer, context) };
      else lasso = beginLasso(pointer);
      return null;
    },
    onPointerMove(pointer, context) {
      if (gesture) return { preview: keyed(gesture, pointer, context) };
      if (!lasso) return null;
      lasso = growLasso(lasso, pointer);
      const polygon = lassoPolygon(lasso, context.view);
      return polygon && { preview: addLayer({ type: "region", polygon, keys: [{ t: 0 }] }) };
    },
    onPointerUp(pointer, context) {
      if (gesture) {
        const commit = keyed(gesture, pointer, context);
        gesture = null;
        return { commit };
      }
      const polygon = lasso && lassoPolygon(lasso, context.view);
      lasso = null;
      if (!polygon) return { message: "Draw a loop around what should move." };
      const id = freshId(context.document, "region");
      return { commit: addLayer({ id, type: "region", polygon, keys: [{ t: 0 }] }), select: [id] };
    },
    onCancel() {
      lasso = null;
      gesture = null;
    },
  };
}

/** The handles of a region at the playhead, as view points: middle, turn and zoom. */
export function regionHandles(layer, { view, time }) {
  const outline = (layer.polygon ?? []).length ? layer.polygon : [regionPivot(layer, view.size)];
  const corners = movedByRegion(layer, outline, time, view.size).map((p) => toView(view, p));
  const [pivot] = movedByRegion(layer, [regionPivot(layer, view.size)], time, view.size);
  const middle = toView(view, pivot);
  const top = Math.min(...corners.map(([, y]) => y));
  const right = Math.max(...corners.map(([x]) => x));
  return {
    middle,
    turn: [middle[0], top - HANDLE_GAP_PX],
    zoom: [right + HANDLE_GAP_PX, middle[1]],
    corners,
  };
}

function selectedRegion({ document, selection }) {
  const layer = layerOf(document, [...selection].at(-1));
  return layer && layer.type === "region" && !layer.locked ? layer : null;
}

function gestureOn(layer, screen, context) {
  const handles = regionHandles(layer, context);
  if (distance(handles.turn, screen) <= REACH) return "turn";
  if (distance(handles.zoom, screen) <= REACH) return "zoom";
  return isInside(screen, handles.corners) || distance(handles.middle, screen) <= REACH
    ? "move"
    : null;
}

/** The region's local time, shift, turn and zoom at the playhead. */
function poseAt(layer, { time, view }) {
  const { start = 0, end = 1 } = layer;
  const motion = sampleRegion(layer, [time], { width: 1, height: 1 });
  return {
    t: round(Math.min(Math.max((time - start) / (end - start), 0), 1)),
    dx: motion.shift[0][0],
    dy: motion.shift[0][1],
    rotate_deg: motion.rotateDeg[0],
    scale: motion.scale[0],
    middle: regionHandles(layer, { view, time }).middle,
  };
}

function keyed({ kind, id, from, pose }, pointer, context) {
  const { middle, ...key } = pose;
  if (kind === "move") {
    key.dx += pointer.point[0] - from.point[0];
    key.dy += pointer.point[1] - from.point[1];
  }
  if (kind === "turn") key.rotate_deg += turnDeg(middle, from.screen, pointer.screen);
  if (kind === "zoom") {
    const ratio = distance(middle, pointer.screen) / distance(middle, from.screen);
    key.scale = Math.min(Math.max(key.scale * ratio, 0.05), 20);
  }
  return changeLayers([id], (layer) => ({ keys: withKey(layer.keys ?? [], rounded(key)) }));
}

function turnDeg([cx, cy], [ax, ay], [bx, by]) {
  const turn = Math.atan2(by - cy, bx - cx) - Math.atan2(ay - cy, ax - cx);
  return (Math.atan2(Math.sin(turn), Math.cos(turn)) * 180) / Math.PI;
}

function withKey(keys, key) {
  const others = keys.filter((other) => Math.abs(other.t - key.t) > SAME_TIME);
  return [...others, key].sort((a, b) => a.t - b.t);
}

function rounded(key) {
  return Object.fromEntries(Object.entries(key).map(([name, value]) => [name, round(value)]));
}
