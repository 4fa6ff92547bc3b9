/** Select: click or draw a box; drag what is selected, or one of its points. */

import { layerType } from "../layers/index.js";
import { layerAt, layerExtent } from "../layers/pick.js";
import { changeLayers, layerOf, layerPoints, round, shiftLayers } from "../model/document.js";
import { bounds, distance, isInBox } from "../model/geometry.js";
import { movedHandle, pulledHandles, toggledKind } from "../model/handles.js";
import { cornerAt, handleAt, pointAt } from "../model/hit.js";
import { toView } from "../model/viewport.js";

const STILL_PX = 2;

export function selectTool() {
  // { kind: "point" | "corner" | "handle" | "pull" | "own" | "shift" | "box", from, ... }
  let gesture = null;

  return {
    cursor: "default",
    snapping: (_, context) => gesture && snappingOf(gesture, context),
    onPointerDown(pointer, context) {
      const { document, selection, view, time } = context;
      const part = partAt(pointer, context);
      if (part) {
        gesture = { ...part, from: pointer };
        return null;
      }
      const layer = layerAt(document, pointer.screen, view, time);
      if (!layer) {
        gesture = { kind: "box", from: pointer, kept: pointer.shift ? selection : new Set() };
        return pointer.shift ? null : { select: [] };
      }
      const ids = nextSelection(selection, layer.id, pointer.shift);
      const isAlone = ids.length === 1 && ids[0] === layer.id && !pointer.shift;
      const own = isAlone ? layerType(layer).grab?.(layer, pointer, context) : null;
      gesture = own ? { kind: "own", own, from: pointer } : { kind: "shift", ids, from: pointer };
      return { select: ids };
    },
    onPointerMove(pointer, context) {
      if (!gesture) return null;
      if (gesture.kind === "box") return { box: [gesture.from.screen, pointer.screen] };
      if (gesture.kind === "own") return { preview: gesture.own.move(pointer, context) };
      if (isStill(gesture, pointer)) return null;
      return { preview: changed(gesture, pointer, context) };
    },
    onPointerUp(pointer, context) {
      const done = gesture;
      if (!done) return null;
      const isClick = isStill(done, pointer);
      let result = done.kind === "box" ? boxed(done, pointer, context) : null;
      if (done.kind === "pull" && isClick) result = toggled(done, context);
      const commit = result || isClick ? null : changed(done, pointer, context);
      gesture = null;
      return result ?? (commit && { commit });
    },
    /** A double click on a point of a path makes a smooth one a corner, and a corner smooth. */
    onDoubleClick(pointer, context) {
      const part = partAt(pointer, context);
      return part?.kind === "point" && part.hasHandles ? toggled(part, context) : null;
    },
    onCancel() {
      gesture = null;
    },
  };
}

/** The edit of a gesture with the pointer where it is now. */
function changed(gesture, pointer, context) {
  const { kind, id, index, side, ids, from } = gesture;
  const { point, alt } = pointer;
  const { document } = context;
  if (kind === "own") return gesture.own.end(pointer, context);
  if (kind === "shift") return shiftLayers(ids, point[0] - from.point[0], point[1] - from.point[1]);
  if (kind === "pull") return changeLayers([id], (layer) => pulledHandles(layer, index, point));
  if (kind === "handle") {
    const how = { drawnOn: document.drawn_on, isBroken: alt };
    return changeLayers([id], (layer) => movedHandle(layer, { index, side }, point, how));
  }
  return changeLayers([id], (layer) => movedPoint(layer, kind, index, point));
}

/** How the pointer of a gesture snaps: a point by itself, whole layers by the first one's start. */
function snappingOf({ kind, id, index, ids, from }, { document }) {
  if (["point", "corner", "handle", "pull"].includes(kind)) return { except: { id, index } };
  if (kind !== "shift") return null;
  const layer = layerOf(document, ids.at(-1));
  const start = layer && (layer.center ?? layerPoints(layer)[0] ?? layer.polygon?.[0]);
  if (!start) return null;
  return { except: { ids }, offset: start.map((value, axis) => value - from.point[axis]) };
}

function toggled({ id, index }, { document }) {
  const edit = (layer) => toggledKind(layer, index, document.drawn_on);
  return { commit: changeLayers([id], edit) };
}

function partAt(pointer, context) {
  const { screen, alt } = pointer;
  const { document, selection, view, point } = context;
  const { drawn_on: drawnOn } = document;
  for (const id of [...selection].reverse()) {
    const layer = layerOf(document, id);
    if (!layer || layer.locked) continue;
    const index = pointAt(layer, screen, view);
    const { canMovePoint, hasHandles = () => false } = layerType(layer);
    const isBent = hasHandles(layer);
    const handle = isBent && handleAt(layer, screen, { view, drawnOn, point });
    if (handle) return { kind: "handle", id, ...handle };
    const isAlone = selection.size === 1 && !pointer.shift && !alt;
    const own = isAlone ? layerType(layer).grab?.(layer, pointer, context) : null;
    if (own) return { kind: "own", own };
    if (index >= 0 && canMovePoint(layer)) {
      return { kind: alt && isBent ? "pull" : "point", id, index, hasHandles: isBent };
    }
    const corner = cornerAt(layer, screen, view);
    if (corner >= 0) return { kind: "corner", id, index: corner };
  }
  return null;
}

function movedPoint(layer, kind, index, point) {
  const stored = point.map(round);
  const put = (points) =>
    points.map((old, i) => (i === index ? [...old.slice(0, -2), ...stored] : old));
  return kind === "corner" ? { polygon: put(layer.polygon) } : { points: put(layer.points) };
}

function nextSelection(selection, id, isToggle) {
  if (!isToggle) return selection.has(id) ? [...selection] : [id];
  return selection.has(id) ? [...selection].filter((other) => other !== id) : [...selection, id];
}

function isStill({ from }, { screen }) {
  return distance(from.screen, screen) <= STILL_PX;
}

function boxed({ from, kept }, { screen }, { document, view }) {
  const box = bounds([from.screen, screen]);
  const caught = document.layers.filter(
    (layer) =>
      !layer.locked &&
      layerExtent(layer, view.size).some((point) => isInBox(toView(view, point), box)),
  );
  return { select: [...new Set([...kept, ...caught.map((layer) => layer.id)])] };
}
