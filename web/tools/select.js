/** Select: click or draw a box; drag what is selected, or one of its points. */

import { layerType } from "../layers/index.js";
import { layerAt, layerExtent } from "../layers/pick.js";
import { changeLayers, layerOf, round, shiftLayers } from "../model/document.js";
import { bounds, distance, isInBox } from "../model/geometry.js";
import { cornerAt, pointAt } from "../model/hit.js";
import { toView } from "../model/viewport.js";

const STILL_PX = 2;

export function selectTool() {
  let gesture = null; // { kind: "point" | "corner" | "shift" | "box", from, ... }

  const change = ({ point }) => {
    const { kind, id, index, ids, from } = gesture;
    if (kind === "shift") return shiftLayers(ids, point[0] - from.point[0], point[1] - from.point[1]);
    return changeLayers([id], (layer) => movedPoint(layer, kind, index, point));
  };

  return {
    cursor: "default",
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
      gesture = { kind: "shift", ids, from: pointer };
      return { select: ids };
    },
    onPointerMove(pointer) {
      if (!gesture) return null;
      if (gesture.kind === "box") return { box: [gesture.from.screen, pointer.screen] };
      if (isStill(gesture, pointer)) return null;
      return { preview: change(pointer) };
    },
    onPointerUp(pointer, context) {
      const done = gesture;
      if (!done) return null;
      const result = done.kind === "box" ? boxed(done, pointer, context) : null;
      const commit = !result && !isStill(done, pointer) ? change(pointer) : null;
      gesture = null;
      return result ?? (commit && { commit });
    },
    onCancel() {
      gesture = null;
    },
  };
}

function partAt({ screen }, { document, selection, view }) {
  for (const id of [...selection].reverse()) {
    const layer = layerOf(document, id);
    if (!layer || layer.locked) continue;
    const index = pointAt(layer, screen, view);
    if (index >= 0 && layerType(layer).canMovePoint(layer)) return { kind: "point", id, index };
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
