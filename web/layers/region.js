/**
 * Region: an area moved as one piece by keys; the twin of motion_core/document/layers/region.py.
 */

import { addLayer, changeLayers, freshId, layerOf, round } from "../model/document.js";
import { makeTracks } from "../model/dots.js";
import { easeValue } from "../model/easing.js";
import { centroid, distance, isInside } from "../model/geometry.js";
import { REACH } from "../model/hit.js";
import { beginLasso, growLasso, lassoPolygon } from "../model/lasso.js";
import { between, isPresent, localTime } from "../model/sample.js";
import { toView } from "../model/viewport.js";
import { areaField, dotsInside, polygonOutline } from "./area.js";
import { drawOutline, drawTracks } from "./drawing.js";
import { numberOf, spacingField } from "./fields.js";
import { drawArrowHead, drawGlyph, drawHandle, strokeLine } from "./marks.js";

const TYPE = "region";
const SPACING = 0.03;
const UNIT = { width: 1, height: 1 };
const HANDLE_GAP_PX = 26;
const SAME_TIME = 1e-4;
const LEAST_SCALE = 0.001;
const MOST_STEPS = 60; // of the drawn path
const pivots = new WeakMap(); // found once per polygon: layers are never changed in place

export const REGION = {
  type: TYPE,
  title: "Region",
  tools: [
    {
      name: "region",
      key: "r",
      label: "Region: draw around it, then move it",
      hint: "Draw around what should move. Then move, turn or zoom it at any time.",
      icon: '<path d="M3 6.500C3.500 3 8 2 11 3.500s2.500 5.500.5 8-6.500 2-7.500 0S2.700 8.500 3 6.500z" stroke-dasharray="2.200 1.600"/><path d="M6 8h4.500M8.800 6.200L10.600 8 8.800 9.800"/>',
      make: regionTool,
      parts: () => [{ title: "Areas", fields: AREA_BUTTONS }],
    },
  ],
  editTool: "region",
  hasPath: false,
  hasTiming: true,
  check(fields) {
    const area = fields.choice("area", ["polygon", "mask"], "polygon");
    if (!fields.polygon() && area === "polygon") {
      fields.refuse("polygon", 'must be a list where "area" is "polygon"');
    }
    const pivot = fields.take("pivot", null);
    if (pivot !== null) fields.point("pivot", pivot);
    fields.keys();
    fields.timing();
    fields.spacing();
  },
  tracks: regionTracks,
  outline: polygonOutline,
  movedPoints: movedByRegion,
  line: regionLine,
  draw: drawRegion,
  parts: (layer, state) => [
    { title: "Area", fields: [areaField(layer), spacingField(layer.spacing ?? SPACING)] },
    { title: "Pose", fields: poseFields(layer, state) },
  ],
  canSelectPoint: () => true,
  canMovePoint: () => false,
  keyTimes: (layer) => (layer.keys ?? []).map(({ t }) => t),
};

const AREA_BUTTONS = [
  {
    kind: "button",
    label: "Use the mask",
    title: "A region of the mask input's shape",
    layer: { type: TYPE, name: "Mask", area: "mask", keys: [{ t: 0 }], spacing: SPACING },
  },
];

/** A region's shift [px, px], turn and zoom at clip times, and whether it is present. */
export function sampleRegion(layer, times, size) {
  const keys = (layer.keys ?? [{ t: 0 }]).map((key) => ({
    t: key.t,
    dx: (key.dx ?? 0) * size.width,
    dy: (key.dy ?? 0) * size.height,
    rotate: key.rotate_deg ?? 0,
    logScale: Math.log(key.scale ?? 1),
  }));
  unwind(keys);
  const keyTimes = keys.map((key) => key.t);
  const moments = times.map((time) => {
    const { before, after, fraction } = between(keyTimes, localTime(layer, time));
    const eased = easeValue(layer.easing ?? "linear", fraction);
    return (field) => keys[before][field] + eased * (keys[after][field] - keys[before][field]);
  });
  return {
    shift: moments.map((mixed) => [mixed("dx"), mixed("dy")]),
    rotateDeg: moments.map((mixed) => mixed("rotate")),
    scale: moments.map((mixed) => Math.exp(mixed("logScale"))),
    present: times.map((time) => isPresent(layer, time)),
  };
}

/** Makes every turn from key to key the shorter way round. */
function unwind(keys) {
  for (let i = 1, raw = keys[0].rotate; i < keys.length; i += 1) {
    const turn = keys[i].rotate - raw;
    raw = keys[i].rotate;
    let short = turn - 360 * Math.floor((turn + 180) / 360);
    if (short === -180 && turn > 0) short = 180;
    keys[i].rotate = keys[i - 1].rotate + short;
  }
}

/** The point about which a region turns and zooms. */
export function regionPivot(layer, size) {
  if (layer.pivot) return layer.pivot;
  if (!Array.isArray(layer.polygon)) return [0.5, 0.5];
  const { width, height } = size;
  const found = pivots.get(layer.polygon);
  if (found && found.width === width && found.height === height) return found.pivot;
  const [x, y] = centroid(layer.polygon.map(([px, py]) => [px * width, py * height]));
  const pivot = [x / width, y / height];
  pivots.set(layer.polygon, { width, height, pivot });
  return pivot;
}

/** Where a region's points are at a clip time. */
function movedByRegion(layer, points, time, size) {
  const [xx, xy, xt, yx, yy, yt] = regionMap(layer, time, size);
  return points.map(([x, y]) => [xx * x + xy * y + xt, yx * x + yy * y + yt]);
}

/**
 * The map of a region's points at a clip time, in fractions: they are turned and zoomed about its
 * pivot and then shifted. Six numbers, the rows of a matrix on [x, y, 1].
 */
function regionMap(layer, time, size) {
  const motion = sampleRegion(layer, [time], size);
  const [px, py] = regionPivot(layer, size).map((v, axis) => v * (axis ? size.height : size.width));
  const angle = (motion.rotateDeg[0] * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle) * motion.scale[0], Math.sin(angle) * motion.scale[0]];
  const [shiftX, shiftY] = motion.shift[0];
  const { width, height } = size;
  return [
    ...[cos, (-sin * height) / width, (px - cos * px + sin * py + shiftX) / width],
    ...[(sin * width) / height, cos, (py - sin * px - cos * py + shiftY) / height],
  ];
}

function regionTracks(layer, size) {
  const dots = dotsInside(layer.polygon, layer.spacing ?? SPACING, size);
  return makeTracks(dots, (moved, visible, time) => {
    const [xx, xy, xt, yx, yy, yt] = regionMap(layer, time, size);
    for (let at = 0; at < dots.length; at += 2) {
      const [x, y] = [dots[at], dots[at + 1]];
      moved[at] = xx * x + xy * y + xt;
      moved[at + 1] = yx * x + yy * y + yt;
    }
    visible.fill(isPresent(layer, time) ? 1 : 0);
  });
}

/** The path of a region's pivot from key to key, in fractions. */
function regionLine(layer, { frames, size }) {
  const { start = 0, end = 1 } = layer;
  const steps = Math.min(frames, MOST_STEPS);
  const times = Array.from({ length: steps + 1 }, (_, i) => start + ((end - start) * i) / steps);
  const [x, y] = regionPivot(layer, size);
  const { shift } = sampleRegion(layer, times, size);
  return shift.map(([dx, dy]) => [x + dx / size.width, y + dy / size.height]);
}

function drawRegion(context, layer, style) {
  const { view, time, size, color, isSelected } = style;
  const outline = polygonOutline(layer) ?? [];
  const isKeyed = (layer.keys ?? []).length > 1;
  const motion = style.motions.of(layer, style);
  if (isKeyed) {
    const path = motion.line.map((point) => toView(view, point));
    strokeLine(context, path, { color, width: 1.5 });
    drawArrowHead(context, path, { color });
  }
  if (isSelected && isKeyed) {
    const still = outline.map((point) => toView(view, point));
    const opacity = context.globalAlpha;
    context.globalAlpha = 0.45 * opacity;
    strokeLine(context, still, { color, width: 1.25, closed: true, dash: [3, 4] });
    context.globalAlpha = opacity;
  }
  drawOutline(context, movedByRegion(layer, outline, time, size), style);
  drawTracks(context, motion, style, layer.spacing ?? SPACING);
  if (isSelected && style.tool === TYPE && !layer.locked) drawHandles(context, layer, style);
}

function drawHandles(context, layer, { view, time, color }) {
  const { middle, turn, zoom } = regionHandles(layer, { view, time });
  strokeLine(context, [middle, turn], { color, width: 1, dash: [2, 3] });
  strokeLine(context, [middle, zoom], { color, width: 1, dash: [2, 3] });
  [middle, turn, zoom].forEach((at) => drawHandle(context, at, { color }));
  drawGlyph(context, turn, "↻");
  drawGlyph(context, zoom, "⤢");
}

/** The pose of a region at the playhead; changing it sets a key there. */
function poseFields(layer, { size, time }) {
  const pose = poseAt(layer, time);
  const change = (name, factor, least = -Infinity) => (value) => ({
    keys: withKey(layer.keys, { ...pose, [name]: Math.max(value / factor, least) }),
  });
  return [
    numberOf("X", "Shift in pixels", pose.dx * size.width, change("dx", size.width)),
    numberOf("Y", "Shift in pixels", pose.dy * size.height, change("dy", size.height)),
    numberOf("Turn", "Degrees, clockwise", pose.rotate_deg, change("rotate_deg", 1)),
    numberOf("Size", "Percent", pose.scale * 100, change("scale", 100, LEAST_SCALE)),
  ];
}

/** The region's key as it would be at a clip time: layer time, shift, turn and zoom. */
function poseAt(layer, time) {
  const motion = sampleRegion(layer, [time], UNIT);
  return {
    t: round(localTime(layer, time)),
    dx: motion.shift[0][0],
    dy: motion.shift[0][1],
    rotate_deg: motion.rotateDeg[0],
    scale: motion.scale[0],
  };
}

/** The keys with one more, which replaces any at its time. */
function withKey(keys, key) {
  const rounded = Object.fromEntries(
    Object.entries(key).map(([name, value]) => [name, round(value)]),
  );
  const others = keys.filter((other) => Math.abs(other.t - rounded.t) > SAME_TIME);
  return [...others, rounded].sort((a, b) => a.t - b.t);
}

/** Draw around an area, then move, turn and zoom it; each change sets a key at the playhead. */
export function regionTool() {
  let lasso = null;
  let gesture = null; // { kind: "move" | "turn" | "zoom", id, from, pose, middle }

  return {
    cursor: "crosshair",
    onPointerDown(pointer, context) {
      const layer = selectedRegion(context);
      const kind = layer && gestureOn(layer, pointer.screen, context);
      if (kind) gesture = begin(kind, layer, pointer, context);
      else lasso = beginLasso(pointer);
      return null;
    },
    onPointerMove(pointer, context) {
      if (gesture) return { preview: keyed(gesture, pointer) };
      if (!lasso) return null;
      lasso = growLasso(lasso, pointer);
      const polygon = lassoPolygon(lasso, context.view);
      return polygon && { preview: addLayer({ type: TYPE, polygon, keys: [{ t: 0 }] }) };
    },
    onPointerUp(pointer, context) {
      if (gesture) {
        const commit = keyed(gesture, pointer);
        gesture = null;
        return { commit };
      }
      const polygon = lasso && lassoPolygon(lasso, context.view);
      lasso = null;
      if (!polygon) return { message: "Draw a loop around what should move." };
      const id = freshId(context.document, TYPE);
      return { commit: addLayer({ id, type: TYPE, polygon, keys: [{ t: 0 }] }), select: [id] };
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
  return layer && layer.type === TYPE && !layer.locked ? layer : null;
}

function begin(kind, layer, from, context) {
  const { middle } = regionHandles(layer, context);
  return { kind, id: layer.id, from, pose: poseAt(layer, context.time), middle };
}

function gestureOn(layer, screen, context) {
  const handles = regionHandles(layer, context);
  if (distance(handles.turn, screen) <= REACH) return "turn";
  if (distance(handles.zoom, screen) <= REACH) return "zoom";
  return isInside(screen, handles.corners) || distance(handles.middle, screen) <= REACH
    ? "move"
    : null;
}

function keyed({ kind, id, from, pose, middle }, pointer) {
  const key = { ...pose };
  if (kind === "move") {
    key.dx += pointer.point[0] - from.point[0];
    key.dy += pointer.point[1] - from.point[1];
  }
  if (kind === "turn") key.rotate_deg += turnDeg(middle, from.screen, pointer.screen);
  if (kind === "zoom") {
    const ratio = distance(middle, pointer.screen) / distance(middle, from.screen);
    key.scale = Math.min(Math.max(key.scale * ratio, 0.05), 20);
  }
  return changeLayers([id], (layer) => ({ keys: withKey(layer.keys ?? [], key) }));
}

function turnDeg([cx, cy], [ax, ay], [bx, by]) {
  const turn = Math.atan2(by - cy, bx - cx) - Math.atan2(ay - cy, ax - cx);
  return (Math.atan2(Math.sin(turn), Math.cos(turn)) * 180) / Math.PI;
}
