/** Sphere: drag out a ball, then drag on it to spin it; its middle moves it, its rim sizes it. */

import { addLayer, changeLayers, freshId, layerOf, round } from "../model/document.js";
import { distance } from "../model/geometry.js";
import { REACH } from "../model/hit.js";
import { lengthToPicture, lengthToView, toView } from "../model/viewport.js";
import { beginStroke, growStroke, isMeant, strokeFields } from "./stroke.js";

const SMALLEST_PX = 6;

export function sphereTool() {
  let gesture = null; // { kind: "place" | "spin" | "move" | "size", ... }

  const placed = ({ center }, { screen }, view) => ({
    type: "sphere",
    center: center.map(round),
    radius: round(lengthToPicture(view, distance(toView(view, center), screen))),
    points: [[0, ...center.map(round)]],
  });

  const change = (pointer, context) => {
    const { kind, id } = gesture;
    if (kind === "spin") return changeLayers([id], strokeFields(gesture.stroke, context));
    if (kind === "move") return changeLayers([id], movedTo(pointer.point));
    const { radius } = placed(gesture, pointer, context.view);
    return changeLayers([id], { radius });
  };

  return {
    cursor: "crosshair",
    onPointerDown(pointer, context) {
      const layer = selectedSphere(context);
      const kind = layer && gestureOn(layer, pointer.screen, context.view);
      gesture = kind
        ? { kind, id: layer.id, center: layer.center, stroke: beginStroke(pointer) }
        : { kind: "place", center: pointer.point };
      return null;
    },
    onPointerMove(pointer, context) {
      if (!gesture) return null;
      if (gesture.kind === "place") return { preview: addLayer(placed(gesture, pointer, context.view)) };
      if (gesture.kind === "spin") gesture.stroke = growStroke(gesture.stroke, pointer);
      return { preview: change(pointer, context) };
    },
    onPointerUp(pointer, context) {
      const done = gesture;
      if (!done) return null;
      if (done.kind === "place") {
        gesture = null;
        return place(placed(done, pointer, context.view), context);
      }
      const isIdle = done.kind === "spin" && !isMeant(done.stroke, context.view);
      const commit = isIdle ? null : change(pointer, context);
      gesture = null;
      return commit && { commit };
    },
    onCancel() {
      gesture = null;
    },
  };
}

function place(layer, { document, view }) {
  if (lengthToView(view, layer.radius) < SMALLEST_PX) {
    return { message: "Drag from the middle of the ball to its rim." };
  }
  const id = freshId(document, "sphere");
  return { commit: addLayer({ ...layer, id }), select: [id] };
}

function selectedSphere({ document, selection }) {
  const layer = layerOf(document, [...selection].at(-1));
  return layer && layer.type === "sphere" && !layer.locked ? layer : null;
}

function gestureOn(layer, screen, view) {
  const gap = distance(toView(view, layer.center), screen);
  const rim = lengthToView(view, layer.radius);
  if (gap <= REACH) return "move";
  if (Math.abs(gap - rim) <= REACH) return "size";
  return gap < rim ? "spin" : null;
}

function movedTo([x, y]) {
  return (layer) => {
    const [dx, dy] = [x - layer.center[0], y - layer.center[1]];
    return {
      center: [round(x), round(y)],
      points: layer.points.map(([t, px, py]) => [t, round(px + dx), round(py + dy)]),
    };
  };
}
