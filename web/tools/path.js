/**
 * Point path: click to add points, drag to move them, click the line to insert, Alt-click to
 * remove. Untimed points are spread by arc length.
 */

import { addLayer, changeLayers, freshId, layerOf, removeLayers, round } from "../model/document.js";
import { pointAt, segmentAt } from "../model/hit.js";

export function pathTool() {
  let grab = null; // { id, index }
  let drawing = null; // id of the path that clicks extend

  const place = (id, index, [x, y]) =>
    changeLayers([id], (layer) => ({
      points: layer.points.map((old, i) => (i === index ? [old[0], round(x), round(y)] : old)),
    }));

  const begin = (point, { document, settings }) => {
    drawing = freshId(document, "drag");
    const layer = {
      id: drawing,
      type: "drag",
      points: [[null, ...point.map(round)]],
      curve: settings.curve === "recorded" ? "catmull_rom" : settings.curve,
      brush: { ...settings.brush },
    };
    return { commit: addLayer(layer), select: [drawing] };
  };

  const extend = (id, point) => ({
    commit: changeLayers([id], (layer) => ({
      points: [...layer.points, [null, ...point.map(round)]],
    })),
  });

  return {
    cursor: "crosshair",
    onPointerDown({ point, screen, alt }, context) {
      const layer = editable(context, drawing);
      if (!layer) return begin(point, context);
      const index = pointAt(layer, screen, context.view);
      if (index >= 0 && alt) return removePoint(layer, index);
      if (index >= 0) {
        grab = { id: layer.id, index };
        return null;
      }
      const segment = segmentAt(layer, screen, context.view);
      if (segment >= 0) return insertPoint(layer, segment + 1, point);
      return layer.id === drawing ? extend(layer.id, point) : begin(point, context);
    },
    onPointerMove({ point }, context) {
      if (grab) return { preview: place(grab.id, grab.index, point) };
      const layer = drawing && layerOf(context.document, drawing);
      return layer ? { preview: extend(layer.id, point).commit } : null;
    },
    onPointerUp({ point }) {
      const commit = grab && place(grab.id, grab.index, point);
      grab = null;
      return commit && { commit };
    },
    onDoubleClick() {
      drawing = null;
      return { preview: null };
    },
    onKey({ key }) {
      if (key !== "Enter" || !drawing) return null;
      drawing = null;
      return { preview: null };
    },
    onCancel() {
      grab = null;
      drawing = null;
    },
  };
}

function editable({ document, selection }, drawing) {
  const id = drawing ?? [...selection].at(-1);
  const layer = id && layerOf(document, id);
  return layer && layer.type === "drag" && !layer.locked ? layer : null;
}

function insertPoint(layer, index, point) {
  const inserted = [null, ...point.map(round)];
  return {
    commit: changeLayers([layer.id], {
      points: [...layer.points.slice(0, index), inserted, ...layer.points.slice(index)],
    }),
  };
}

function removePoint(layer, index) {
  if (layer.points.length === 1) return { commit: removeLayers([layer.id]) };
  return {
    commit: changeLayers([layer.id], { points: layer.points.filter((_, i) => i !== index) }),
  };
}
