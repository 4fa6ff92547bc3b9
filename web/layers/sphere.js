/**
 * Sphere: a ball turned by the pointer; the twin of motion_core/document/layers/sphere.py.
 */

import { LEAST_FACING, directionUnder, sphereDirections, turnBetween } from "../model/ball.js";
import { addLayer, changeLayers, freshId, layerOf, round } from "../model/document.js";
import { makeTracks } from "../model/dots.js";
import { distance } from "../model/geometry.js";
import { REACH } from "../model/hit.js";
import { pointerAt } from "../model/sample.js";
import { beginStroke, growStroke, isMeant, strokeFields } from "../model/stroke.js";
import { lengthToPicture, lengthToView, toView } from "../model/viewport.js";
import { drawPointer, drawTicks, drawTracks, lengthOf, lineWidth } from "./drawing.js";
import { percentField, spacingField } from "./fields.js";
import { drawArrowHead, drawHandle, drawRing, strokeLine } from "./marks.js";
import { pathLine, pathTicks } from "./path.js";

const TYPE = "sphere";
const SPACING = 0.02;
const RADIUS = 0.2;
const CENTER = [0.5, 0.5];
const CORNERS = 48; // of the outline
const SMALLEST_PX = 6;

export const SPHERE = {
  type: TYPE,
  title: "Sphere",
  tools: [
    {
      name: "sphere",
      key: "s",
      label: "Sphere: place it, then spin it",
      hint: "Drag out a ball over a head or an eye, then drag on it to turn it.",
      icon: '<circle cx="8" cy="8" r="5.500"/><path d="M2.700 9.500c3 1.700 7.600 1.700 10.600 0M8 2.500c-2.600 3.200-2.600 7.800 0 11"/>',
      make: sphereTool,
    },
  ],
  editTool: "sphere",
  hasPath: true,
  hasTiming: true,
  check(fields) {
    fields.ball();
    fields.path();
  },
  tracks: sphereTracks,
  outline: circle,
  line: pathLine,
  ticks: pathTicks,
  draw: drawSphere,
  parts: (layer) => [{ title: "Area", fields: sphereFields(layer) }],
  canSelectPoint: () => false,
  canMovePoint: () => false,
};

function sphereTracks(layer, size, drawnOn) {
  const center = layer.center ?? CENTER;
  const short = Math.min(size.width, size.height);
  const radius = [size.width, size.height].map((side) => ((layer.radius ?? RADIUS) * short) / side);
  const under = ([x, y]) =>
    directionUnder([(x - center[0]) / radius[0], (y - center[1]) / radius[1]]);
  const first = under(pointerAt(layer, 0, drawnOn).point);
  const directions = sphereDirections(layer.radius ?? RADIUS, layer.spacing ?? SPACING, first);
  const ball = { center, radius, directions };
  const dots = new Float64Array((2 * directions.length) / 3);
  turnDots(ball, turnBetween(first, first), { xy: dots, visible: null });
  return makeTracks(dots, (xy, visible, time) => {
    const { point, isPresent } = pointerAt(layer, time, drawnOn);
    turnDots(ball, turnBetween(first, under(point)), { xy, visible });
    if (!isPresent) visible.fill(0);
  });
}

/** Writes where the dots of a ball are after a turn and, unless `visible` is null, which face us. */
function turnDots({ center, radius, directions }, turn, { xy, visible }) {
  const [xx, xy_, xz, yx, yy, yz, zx, zy, zz] = turn;
  for (let from = 0, dot = 0; from < directions.length; from += 3, dot += 1) {
    const [x, y, z] = [directions[from], directions[from + 1], directions[from + 2]];
    xy[2 * dot] = center[0] + radius[0] * (xx * x + xy_ * y + xz * z);
    xy[2 * dot + 1] = center[1] + radius[1] * (yx * x + yy * y + yz * z);
    if (visible) visible[dot] = zx * x + zy * y + zz * z >= LEAST_FACING ? 1 : 0;
  }
}

/** The ball as a polygon. */
function circle(layer, size) {
  const [cx, cy] = layer.center ?? CENTER;
  const pixels = (layer.radius ?? RADIUS) * Math.min(size.width, size.height);
  return Array.from({ length: CORNERS }, (_, i) => {
    const angle = (2 * Math.PI * i) / CORNERS;
    return [
      cx + (pixels * Math.cos(angle)) / size.width,
      cy + (pixels * Math.sin(angle)) / size.height,
    ];
  });
}

function drawSphere(context, layer, style) {
  const { view, color, isSelected } = style;
  const center = toView(view, layer.center ?? CENTER);
  const radius = lengthToView(view, layer.radius ?? RADIUS);
  const motion = style.motions.of(layer, style);
  drawTracks(context, motion, style, layer.spacing ?? SPACING);
  drawRing(context, center, radius, { color, width: lineWidth(style) });
  const spin = motion.line.map((point) => toView(view, point));
  if (lengthOf(spin) > 4) {
    strokeLine(context, spin, { color, width: 1.75 });
    drawArrowHead(context, spin, { color });
    drawPointer(context, layer, style);
  }
  if (!isSelected) return;
  drawTicks(context, motion, style);
  drawHandle(context, center, { color });
  drawHandle(context, [center[0] + radius, center[1]], { color });
}

function sphereFields(layer) {
  const radius = percentField({
    label: "Radius",
    title: "Of the short side",
    min: 1,
    max: 80,
    step: 0.5,
    value: layer.radius ?? RADIUS,
    change: (value) => ({ radius: value }),
  });
  return [radius, spacingField(layer.spacing ?? SPACING)];
}

/** Drag out a ball, then drag on it to spin it; its middle moves it, its rim sizes it. */
export function sphereTool() {
  let gesture = null; // { kind: "place" | "spin" | "move" | "size", ... }

  const placed = ({ center }, { screen }, view) => ({
    type: TYPE,
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
  const id = freshId(document, TYPE);
  return { commit: addLayer({ ...layer, id }), select: [id] };
}

function selectedSphere({ document, selection }) {
  const layer = layerOf(document, [...selection].at(-1));
  return layer && layer.type === TYPE && !layer.locked ? layer : null;
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
