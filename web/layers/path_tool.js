/**
 * The tool for paths drawn point by point. A click places a point, pressed and dragged it pulls the
 * point's handles; points and handles are dragged, a click on the line inserts, Alt+click removes,
 * Alt+drag pulls new handles out of a point, a double click turns a smooth point into a corner and
 * back. Untimed points are spread by arc length.
 */

import {
  addLayer,
  changeLayers,
  edits,
  freshId,
  layerOf,
  layerOfType,
  removeLayers,
  round,
  withoutPoint,
} from "../model/document.js";
import { distance } from "../model/geometry.js";
import { movedHandle, pulledHandles, toggledKind, withPointInserted } from "../model/handles.js";
import { handleAt, pathSegmentAt, pointAt } from "../model/hit.js";

const STILL_PX = 3;

/** `type` is that of the layers it draws. */
export function pathTool(type) {
  let gesture = null; // { kind: "place" | "point" | "pull" | "handle", id, index, from, ... }
  const stop = () => ({ preview: null, drawing: null });
  const begin = (pointer, context) => {
    const id = freshId(context.document, type);
    const edit = addLayer(newPath(type, id, pointer.point, context.settings));
    return { kind: "place", id, index: 0, from: pointer, edit };
  };

  return {
    cursor: "crosshair",
    snapping: () => ({ except: gesture ? { id: gesture.id, index: gesture.index } : {} }),
    onPointerDown(pointer, context) {
      const layer = editable(context, type);
      const found = layer && gestureOn(layer, pointer, context);
      gesture = found ?? begin(pointer, context);
      const { edit, id, kind } = gesture;
      if (!edit) return null;
      return { preview: edit, select: [id], ...(kind === "place" && { drawing: id }) };
    },
    onPointerMove(pointer, context) {
      if (gesture) return { preview: changed(gesture, pointer, context) };
      const layer = context.drawing && layerOf(context.document, context.drawing);
      return layer ? { preview: extended(layer.id, pointer.point) } : null;
    },
    onPointerUp(pointer, context) {
      const done = gesture;
      gesture = null;
      if (!done) return null;
      const isClick = isStill(done, pointer);
      if (done.kind === "pull" && isClick) return removed(done, context);
      if (!done.edit && isClick) return { preview: null };
      return { commit: changed(done, pointer, context) };
    },
    onDoubleClick({ screen }, context) {
      const layer = context.drawing ? null : editable(context, type);
      const index = layer ? pointAt(layer, screen, context.view) : -1;
      if (index < 0) return stop();
      const { drawn_on: drawnOn } = context.document;
      return { commit: changeLayers([layer.id], (now) => toggledKind(now, index, drawnOn)) };
    },
    onKey: ({ key }, { drawing }) => (key === "Enter" && drawing ? stop() : null),
    onCancel() {
      gesture = null;
    },
  };
}

/** What a press on an existing path begins; null where it is beside it. */
function gestureOn(layer, pointer, { document, view, point, drawing }) {
  const { id } = layer;
  const { screen, alt } = pointer;
  const { drawn_on: drawnOn } = document;
  const index = pointAt(layer, screen, view);
  const handle = drawing ? null : handleAt(layer, screen, { view, drawnOn, point });
  if (handle) return { kind: "handle", id, ...handle, from: pointer };
  if (index >= 0) return { kind: alt ? "pull" : "point", id, index, from: pointer };
  const hit = pathSegmentAt(layer, screen, view, drawnOn);
  if (hit) {
    const at = hit.index + 1;
    const edit = changeLayers([id], (now) =>
      withPointInserted(now, at, pointer.point, { v: hit.v, drawnOn }),
    );
    return { kind: "insert", id, index: at, from: pointer, edit };
  }
  if (id !== drawing) return null;
  const edit = extended(id, pointer.point);
  return { kind: "place", id, index: layer.points.length, from: pointer, edit };
}

/** The edit of a gesture with the pointer where it is now. */
function changed({ kind, id, index, side, from, edit }, pointer, { document }) {
  const { drawn_on: drawnOn } = document;
  const { point, alt } = pointer;
  const change = (fields) => changeLayers([id], fields);
  const pulled = change((layer) => pulledHandles(layer, index, point));
  if (kind === "place") return isStill({ from }, pointer) ? edit : edits(edit, pulled);
  if (kind === "pull") return pulled;
  if (kind === "handle") {
    return change((layer) => movedHandle(layer, { index, side }, point, { drawnOn, isBroken: alt }));
  }
  const moved = change((layer) => placed(layer, index, point));
  if (!edit) return moved;
  return isStill({ from }, pointer) ? edit : edits(edit, moved);
}

function placed(layer, index, [x, y]) {
  return { points: layer.points.with(index, [layer.points[index][0], round(x), round(y)]) };
}

function removed({ id, index }, { document }) {
  const { points } = layerOf(document, id);
  if (points.length === 1) return { commit: removeLayers([id]) };
  return { commit: changeLayers([id], (layer) => withoutPoint(layer, index)) };
}

/** Edit: adds a point to the end of a path. */
function extended(id, point) {
  return changeLayers([id], (layer) => ({
    points: [...layer.points, [null, ...point.map(round)]],
    ...(layer.handles && { handles: [...layer.handles, null] }),
  }));
}

function newPath(type, id, point, { curve, brush }) {
  return {
    id,
    type,
    points: [[null, ...point.map(round)]],
    curve: curve === "recorded" ? "catmull_rom" : curve,
    brush: { ...brush },
  };
}

function editable({ document, selection, drawing }, type) {
  const layer = layerOfType(document, drawing ?? [...selection].at(-1), type);
  return layer && !layer.locked ? layer : null;
}

function isStill({ from }, { screen }) {
  return distance(from.screen, screen) <= STILL_PX;
}
