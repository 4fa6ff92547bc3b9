/**
 * Pin: dots and areas that stay where they are; the twin of motion_core/document/layers/pin.py.
 */

import { addLayer, changeLayers, freshId, layerOf, round } from "../model/document.js";
import { dotsBeside, stillTracks } from "../model/dots.js";
import { pointAt } from "../model/hit.js";
import { beginLasso, growLasso, lassoPolygon } from "../model/lasso.js";
import { dotsOffThing, thingOf } from "../model/things.js";
import { toView } from "../model/viewport.js";
import { areaField, dotsInside, polygonOutline } from "./area.js";
import { drawOutline, drawTracks, isChosen } from "./drawing.js";
import { spacingField } from "./fields.js";
import { drawHandle } from "./marks.js";

const TYPE = "pin";
const SPACING = 0.04;
const WHOLE_PICTURE = [[0, 0], [1, 0], [1, 1], [0, 1]];
const REST = [["background", "The rest", "What no moving layer covers"]];

export const PIN = {
  type: TYPE,
  title: "Pin",
  tools: [
    {
      name: "pin",
      key: "n",
      label: "Pin: click a dot or draw around an area",
      hint: "Click what should stay, or draw around it.",
      icon: '<path d="M8 9.500V14"/><path d="M5.500 2.500h5l-.7 3.300 1.700 2.200v1.500h-7V8l1.700-2.200z"/>',
      make: pinTool,
      parts: () => [{ title: "Areas", fields: AREA_BUTTONS }],
    },
  ],
  editTool: "pin",
  hasPath: false,
  hasTiming: false,
  check(fields) {
    const area = fields.choice("area", ["polygon", "mask", "background"], "polygon");
    const polygon = fields.polygon();
    const points = fields.entries("points", []);
    points.forEach((point, i) => fields.point(`points[${i}]`, point));
    if (area === "polygon" && !polygon && !points.length) {
      fields.refuse("points", 'must have an entry where "polygon" is null');
    }
    fields.spacing();
  },
  tracks: pinTracks,
  outline: polygonOutline,
  draw: drawPin,
  parts: (layer) => [
    { title: "Area", fields: [areaField(layer, REST), spacingField(layer.spacing ?? SPACING)] },
  ],
  canSelectPoint: () => true,
  canMovePoint: () => true,
  erasePoint: (layer, index) =>
    layer.points.length > 1 ? { points: layer.points.filter((_, i) => i !== index) } : null,
};

/** A layer that holds still what no moving layer covers. */
export const THE_REST = { type: TYPE, name: "The rest", area: "background", spacing: SPACING };

/** Whether a layer holds the rest still. */
export function holdsRest({ type, area, enabled }) {
  return type === TYPE && area === "background" && enabled !== false;
}

const AREA_BUTTONS = [
  {
    kind: "button",
    label: "Pin all the rest",
    title: "Holds still whatever no moving layer covers",
    layer: THE_REST,
  },
  {
    kind: "button",
    label: "Pin the mask",
    title: "Holds still the area of the mask input",
    layer: { type: TYPE, name: "Mask", area: "mask", spacing: SPACING },
  },
];

function pinTracks(layer, size) {
  const area = layer.area === "background" ? WHOLE_PICTURE : layer.polygon;
  const single = (layer.points ?? []).flat();
  const inside = dotsInside(area, layer.spacing ?? SPACING, size);
  const dots = new Float64Array(single.length + inside.length);
  dots.set(single);
  dots.set(inside, single.length);
  return stillTracks(dots);
}

function drawPin(context, layer, style) {
  const { view, color, isSelected } = style;
  drawOutline(context, layer.polygon, style);
  const motion = layer.area === "background" ? besideMovers(layer, style) : style.motions.of(layer, style);
  drawTracks(context, motion, style, layer.spacing ?? SPACING);
  const radius = isSelected ? 4.5 : 3.5;
  (layer.points ?? []).forEach((at, index) => {
    const isActive = isChosen(layer, index, style);
    drawHandle(context, toView(view, at), { color, radius, isActive });
  });
}

const besides = new WeakMap(); // layer -> { movers, size, things, motion }, valid while these stay the same

/** The motion of the rest without the dots that lie on a moving layer. */
function besideMovers(layer, { movers, motions, ...style }) {
  const known = besides.get(layer);
  const isKnown = known?.movers.length === movers.length && movers.every((one, i) => one === known.movers[i]);
  if (isKnown && known.size === style.size && known.things === style.things) return known.motion;
  const scene = { ...style, motions };
  const groups = movers.map((one) => ({ layer: one, dots: motions.of(one, scene).tracks.dots }));
  const tracks = restTracks(layer, motions.of(layer, scene).tracks, groups, style);
  const motion = { tracks };
  besides.set(layer, { movers, size: style.size, things: style.things, motion });
  return motion;
}

/**
 * The tracks of a layer that holds the rest, without the dots on moving layers, as expansion makes
 * them. `groups` is [{ layer, dots }, ...] of the moving layers, `things` are those of a run.
 */
export function restTracks(layer, tracks, groups, { size, things }) {
  const spacing = layer.spacing ?? SPACING;
  const reaching = groups.map((group) => ({
    dots: group.dots,
    reach: Math.max(spacing, group.layer.spacing ?? group.layer.brush?.spacing ?? 0),
  }));
  let dots = dotsBeside(tracks.dots, reaching, size);
  for (const thing of groups.map((group) => thingOf(things, group.layer)).filter(Boolean)) {
    dots = dotsOffThing(dots, thing, spacing / 2, size);
  }
  return stillTracks(dots);
}

/** Click for a dot that stays, or draw around an area that stays. */
export function pinTool() {
  let lasso = null;
  let grab = null; // { id, index }

  const dot = (point, { document, selection }) => {
    const layer = selectedPin(document, selection);
    const stored = point.map(round);
    if (layer) {
      const points = (old) => ({ points: [...(old.points ?? []), stored] });
      return { commit: changeLayers([layer.id], points), select: [layer.id] };
    }
    const id = freshId(document, TYPE);
    const fresh = { id, type: TYPE, points: [stored], spacing: SPACING };
    return { commit: addLayer(fresh), select: [id] };
  };

  const area = (polygon) => ({ type: TYPE, polygon, spacing: SPACING });

  return {
    cursor: "cell",
    snapping: () => (grab ? { except: grab } : lasso ? null : {}),
    onPointerDown(pointer, context) {
      const layer = selectedPin(context.document, context.selection);
      const index = layer ? pointAt(layer, pointer.screen, context.view) : -1;
      if (index >= 0) grab = { id: layer.id, index };
      else lasso = beginLasso(pointer);
      return null;
    },
    onPointerMove(pointer, context) {
      if (grab) return { preview: placeDot(grab, pointer.point) };
      if (!lasso) return null;
      lasso = growLasso(lasso, pointer);
      const polygon = lassoPolygon(lasso, context.view);
      return polygon && { preview: addLayer(area(polygon)) };
    },
    onPointerUp(pointer, context) {
      if (grab) {
        const commit = placeDot(grab, pointer.point);
        grab = null;
        return { commit };
      }
      if (!lasso) return null;
      const polygon = lassoPolygon(lasso, context.view);
      const [start] = lasso;
      lasso = null;
      if (!polygon) return dot(start, context);
      const id = freshId(context.document, TYPE);
      return { commit: addLayer({ ...area(polygon), id }), select: [id] };
    },
    onCancel() {
      lasso = null;
      grab = null;
    },
  };
}

function selectedPin(document, selection) {
  const layer = layerOf(document, [...selection].at(-1));
  return layer && layer.type === TYPE && !layer.locked ? layer : null;
}

function placeDot({ id, index }, point) {
  return changeLayers([id], (layer) => ({
    points: layer.points.map((old, i) => (i === index ? point.map(round) : old)),
  }));
}
