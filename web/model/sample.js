/**
 * A drawn layer at every frame of a clip: the twin of motion_core/document/sample.py.
 *
 * Layers are the plain objects of a MOTION document (JSON), so missing fields take the schema's
 * defaults here. Sizes are {width, height} in pixels.
 */

import { makeLine, lineAt } from "./curves.js";
import { easeValue } from "./easing.js";

const TIME_SLACK = 1e-9;
const lines = new WeakMap(); // measured once per layer: layers are never changed in place

/** The time of every frame as a fraction of the clip. */
export function clipTimes(frames) {
  return Array.from({ length: frames }, (_, i) => i / Math.max(frames - 1, 1));
}

/** The pointer of a path layer at clip times: {xy: [[x, y], ...] pixels, present: [bool, ...]}. */
export function samplePath(layer, times, size, drawnOn) {
  const { measured, known } = measuredLine(layer, drawnOn);
  const stretch = [size.width / drawnOn.width, size.height / drawnOn.height];
  const xy = times.map((time) => {
    const eased = easeValue(layer.easing ?? "linear", localTime(layer, time));
    const [x, y] = lineAt(measured, distanceAt(known, measured, eased));
    return [x * stretch[0], y * stretch[1]];
  });
  return { xy, present: times.map((time) => isPresent(layer, time)) };
}

/** A layer's line in pixels of `drawnOn`, and how far along it the points with a time are. */
export function measuredLine(layer, drawnOn) {
  const { width, height } = drawnOn;
  const found = lines.get(layer);
  if (found && found.width === width && found.height === height) return found;
  const points = layer.points.map(([, x, y]) => [x * width, y * height]);
  const handles = layer.handles?.map(
    (one) => one && [one[0] * width, one[1] * height, one[2] * width, one[3] * height],
  );
  const measured = makeLine(points, layer.curve ?? "recorded", handles);
  const fresh = { width, height, measured, known: knownDistances(layer.points, measured) };
  lines.set(layer, fresh);
  return fresh;
}

/** Where the pointer of a path layer is at a clip time, in fractions, and whether it is present. */
export function pointerAt(layer, time, drawnOn) {
  const { xy, present } = samplePath(layer, [time], { width: 1, height: 1 }, drawnOn);
  return { point: xy[0], isPresent: present[0] };
}

/** A layer's own time, 0..1, at a clip time. */
export function localTime({ start = 0, end = 1 }, time) {
  return Math.min(Math.max((time - start) / (end - start), 0), 1);
}

/** Whether a layer shows tracks at a clip time. */
export function isPresent({ start = 0, end = 1, before = "hold", after = "hold" }, time) {
  if (before === "absent" && time < start - TIME_SLACK) return false;
  return !(after === "absent" && time > end + TIME_SLACK);
}

/** The keys before and after a moment and how far it is between them, 0..1. */
export function between(times, at) {
  let reached = -1;
  while (reached + 1 < times.length && times[reached + 1] <= at + TIME_SLACK) reached += 1;
  const last = times.length - 1;
  const before = Math.min(Math.max(reached, 0), last);
  const after = Math.min(Math.max(reached + 1, 0), last);
  const gap = times[after] - times[before];
  const fraction = gap > 0 ? Math.min(Math.max((at - times[before]) / gap, 0), 1) : 0;
  return { before, after, fraction };
}

/** Times and distances along the line of the points whose time is known. */
function knownDistances(points, measured) {
  const last = points.length - 1;
  const times = points.map(([t]) => t);
  if (last > 0) times[last] ??= 1;
  times[0] ??= 0;
  const indices = times.flatMap((t, index) => (t === null ? [] : [index]));
  return {
    times: indices.map((index) => times[index]),
    lengths: indices.map((index) => measured.pointLengths[index]),
  };
}

function distanceAt(known, measured, eased) {
  const inside = Math.min(Math.max(eased, 0), 1);
  const { before, after, fraction } = between(known.times, inside);
  const from = known.lengths[before];
  return from + fraction * (known.lengths[after] - from) + (eased - inside) * measured.length;
}
