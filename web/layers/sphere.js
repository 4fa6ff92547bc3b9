/**
 * Sphere: a ball turned by the pointer; the twin of motion_core/document/layers/sphere.py.
 */

import { LEAST_FACING, directionUnder, sphereDirections, turnBetween } from "../model/ball.js";
import { addLayer, changeLayers, freshId, round, shiftedLayer } from "../model/document.js";
import { makeTracks } from "../model/dots.js";
import { distance } from "../model/geometry.js";
import { REACH } from "../model/hit.js";
import { pointerAt } from "../model/sample.js";
import { beginStroke, growStroke, isMeant, strokeFields } from "../model/stroke.js";
import { lengthToPicture, lengthToView, toView } from "../model/viewport.js";
import { drawPointer, drawTicks, drawTracks, lengthOf, lineWidth } from "./drawing.js";
import { pacingField, percentField, spacingField } from "./fields.js";
import { drawArrowHead, drawGlyph, drawHandle, drawRing, drawSizer, strokeLine } from "./marks.js";
import { withGrab } from "./grab.js";
import { pathLine, pathTicks } from "./path.js";

const TYPE = "sphere";
const SPACING = 0.02;
const RADIUS = 0.2;
const CENTER = [0.5, 0.5];
const CORNERS = 48; // of the outline
const SMALLEST_PX = 6;
const RIM_PX = 6; // the rim is thin: most of the ball is there to spin it

export const SPHERE = {
  type: TYPE,
  title: "Sphere",
  tools: [
    {
      name: "sphere",
      key: "s",
      label: "Sphere: place it, then spin it",
      hint: "Drag out a ball over a head or an eye, then drag in it to turn it. Its rim moves it.",
      icon: '<circle cx="8" cy="8" r="5.500"/><path d="M2.700 9.500c3 1.700 7.600 1.700 10.600 0M8 2.500c-2.600 3.200-2.600 7.800 0 11"/>',
      make: sphereTool,
      parts: (settings) => [{ title: "Next motion", fields: [pacingField(settings)] }],
    },
  ],
  editTool: "sphere",
  hasPath: true,
  hasTiming: true,
  check(fields) {
    fields.ball();
    fields.path();
  },
  grab: grabSphere,
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
  if (layer.locked || style.selection.size > 1) return;
  drawHandle(context, center, { color, radius: 7 });
  drawGlyph(context, center, "✥");
  drawSizer(context, sizerOf(center, radius), { color });
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

/** Drag out a ball; then `grabSphere` takes over. */
export function sphereTool() {
  let center = null; // of the ball that is being drawn

  const placed = ({ screen }, view) => ({
    type: TYPE,
    center: center.map(round),
    radius: round(lengthToPicture(view, distance(toView(view, center), screen))),
    points: [[0, ...center.map(round)]],
  });
  const tool = {
    cursor: "crosshair",
    snapping: () => (center ? null : {}),
    onPointerDown(pointer) {
      center = pointer.point;
      return null;
    },
    onPointerMove(pointer, { view }) {
      return center && { preview: addLayer(placed(pointer, view)) };
    },
    onPointerUp(pointer, context) {
      const layer = center && placed(pointer, context.view);
      center = null;
      return layer && place(layer, context);
    },
    onCancel() {
      center = null;
    },
  };
  return withGrab(tool, TYPE, grabSphere);
}

/** A drag inside a ball spins it, its rim and its middle move it, the handle on its rim sizes it. */
function grabSphere(layer, pointer, { view }) {
  const kind = partUnder(layer, pointer.screen, view);
  if (!kind) return null;
  const change = (fields) => changeLayers([layer.id], fields);
  if (kind === "spin") return spinning(pointer, change);
  const [x, y] = pointer.point;
  const middle = toView(view, layer.center);
  const slack = distance(middle, pointer.screen) - lengthToView(view, layer.radius);
  const edit = ({ point, screen }) => {
    if (kind === "move") return change((now) => shiftedLayer(now, point[0] - x, point[1] - y));
    const pixels = Math.max(distance(middle, screen) - slack, SMALLEST_PX);
    return change({ radius: round(lengthToPicture(view, pixels)) });
  };
  const isStill = ({ screen }) => distance(screen, pointer.screen) < 2;
  return { move: edit, end: (at) => (isStill(at) ? null : edit(at)) };
}

/** Records the pointer as the path that turns the ball. */
function spinning(pointer, change) {
  let stroke = beginStroke(pointer);
  const edit = (context) => change({ ...strokeFields(stroke, context), handles: undefined });
  return {
    move(at, context) {
      stroke = growStroke(stroke, at);
      return isMeant(stroke, context.view) ? edit(context) : null;
    },
    end: (_, context) => (isMeant(stroke, context.view) ? edit(context) : null),
  };
}

function place(layer, { document, view }) {
  if (lengthToView(view, layer.radius) < SMALLEST_PX) {
    return { message: "Drag from the middle of the ball to its rim." };
  }
  const id = freshId(document, TYPE);
  return { commit: addLayer({ ...layer, id }), select: [id] };
}

/** The part of a ball under a view point: "size", "move" or "spin"; null beside it. */
function partUnder(layer, screen, view) {
  const middle = toView(view, layer.center);
  const gap = distance(middle, screen);
  const rim = lengthToView(view, layer.radius);
  if (distance(sizerOf(middle, rim), screen) <= REACH) return "size";
  if (gap <= Math.min(REACH, rim / 2) || Math.abs(gap - rim) <= RIM_PX) return "move";
  return gap < rim ? "spin" : null;
}

/** Where the handle on the rim is. */
function sizerOf([x, y], rim) {
  return [x + rim, y];
}
