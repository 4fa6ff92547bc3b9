/** The groups of fields in the inspector. Each takes {layer, change, preview, desk}. */

import { hasPath, round } from "../model/document.js";
import { SPACING } from "../model/dots.js";
import { DEFAULT_BRUSH } from "../model/layers.js";
import { clipTimes, sampleRegion } from "../model/sample.js";
import { choiceField, numberField, sliderField } from "./fields.js";

const OUTSIDE = [
  ["hold", "Hold", "Stays where it begins or ends"],
  ["absent", "Absent", "Has no tracks there"],
];
const SMALLEST_SPACING = 0.002;
const SAME_TIME = 1e-4;

/** Radius, spacing, shape and falloff of a brush; `change` and `preview` take {brush}. */
export function brushFields(brush, { change, preview }) {
  const full = { ...DEFAULT_BRUSH, ...brush };
  const slider = (name, label, title, range) =>
    sliderField({
      label,
      title,
      ...range,
      unit: "%",
      value: full[name] * 100,
      onInput: (value) => preview({ brush: { ...full, [name]: round(value / 100) } }),
      onChange: (value) => change({ brush: { ...full, [name]: round(value / 100) } }),
    });
  const choice = (name, label, title, options) =>
    choiceField({ label, title, options, value: full[name], onChange: (key) => change({ brush: { ...full, [name]: key } }) });
  return [
    slider("radius", "Radius", "Of the short side; 0 is a single track", { min: 0, max: 40, step: 0.5 }),
    slider("spacing", "Spacing", "Between tracks, of the short side", { min: 0.2, max: 10, step: 0.1 }),
    choice("shape", "Shape", "The outline of the brush", [["round", "Round"], ["square", "Square"]]),
    choice("falloff", "Pull", "How far out the drag pulls in full", [
      ["rigid", "Rigid", "Every track moves alike"],
      ["gaussian", "Soft", "Less pull further out"],
    ]),
  ];
}

/** x, y in pixels and, on a path, the frame of one point. */
export function pointFields({ layer, change, desk }, index) {
  const { width, height } = desk.size();
  const { frames } = desk.store.state.clip;
  const last = Math.max(frames - 1, 1);
  const { start = 0, end = 1 } = layer;
  const isPath = hasPath(layer);
  const point = layer.points[index];
  const [x, y] = point.slice(-2);
  const put = (next) => change({ points: layer.points.map((old, i) => (i === index ? next : old)) });
  const at = (nx, ny) => put([...(isPath ? [point[0]] : []), round(nx), round(ny)]);
  const time = isPath ? point[0] : null;
  const coordinates = [
    numberField({ label: "X", title: "Pixels from the left", value: x * width, onChange: (v) => v !== null && at(v / width, y) }),
    numberField({ label: "Y", title: "Pixels from the top", value: y * height, onChange: (v) => v !== null && at(x, v / height) }),
  ];
  if (!isPath) return coordinates;
  const setFrame = (frame) => put([frame === null ? null : within(layer, index, (frame / last - start) / (end - start)), x, y]);
  return [
    ...coordinates,
    numberField({
      label: "Frame",
      title: "When the point is reached; empty: by the length of the line",
      value: time === null ? null : (start + time * (end - start)) * last,
      placeholder: "even",
      onChange: setFrame,
    }),
  ];
}

/** A point's time kept between those of its neighbours. */
function within(layer, index, time) {
  const times = layer.points.map(([t]) => t);
  const before = times.slice(0, index).findLast((t) => t !== null) ?? 0;
  const after = times.slice(index + 1).find((t) => t !== null) ?? 1;
  return round(Math.min(Math.max(time, before), after));
}

/** What a pin, region or sphere covers. */
export function shapeFields({ layer, change, preview }) {
  const percent = (name, label, title, value, range) =>
    sliderField({
      label,
      title,
      ...range,
      unit: "%",
      value: value * 100,
      onInput: (v) => preview({ [name]: round(v / 100) }),
      onChange: (v) => change({ [name]: round(Math.max(v / 100, SMALLEST_SPACING)) }),
    });
  const spacing = percent("spacing", "Spacing", "Between tracks, of the short side", layer.spacing ?? SPACING[layer.type], { min: 0.2, max: 15, step: 0.1 });
  if (layer.type === "sphere") {
    return [percent("radius", "Radius", "Of the short side", layer.radius ?? 0.2, { min: 1, max: 80, step: 0.5 }), spacing];
  }
  return [areaField(layer, change), spacing];
}

function areaField(layer, change) {
  const drawn = Array.isArray(layer.polygon) || layer.points?.length ? [["polygon", "Drawn", "What was drawn"]] : [];
  const rest = layer.type === "pin" ? [["background", "The rest", "What no moving layer covers"]] : [];
  return choiceField({
    label: "Area",
    title: "What the layer covers",
    options: [...drawn, ["mask", "Mask", "The mask input"], ...rest],
    value: layer.area ?? "polygon",
    onChange: (area) => change({ area }),
  });
}

/** The pose of a region at the playhead; changing it sets a key there. */
export function keyFields({ layer, change, desk }) {
  const { time } = desk.store.state;
  const { width, height } = desk.size();
  const { start = 0, end = 1 } = layer;
  const local = round(Math.min(Math.max((time - start) / (end - start), 0), 1));
  const motion = sampleRegion(layer, [time], { width: 1, height: 1 });
  const pose = { t: local, dx: motion.shift[0][0], dy: motion.shift[0][1], rotate_deg: motion.rotateDeg[0], scale: motion.scale[0] };
  const set = (name, factor, least = -Infinity) => (value) => {
    if (value === null) return;
    const key = { ...pose, [name]: Math.max(value / factor, least) };
    const rounded = Object.fromEntries(Object.entries(key).map(([field, v]) => [field, round(v)]));
    const others = layer.keys.filter((old) => Math.abs(old.t - local) > SAME_TIME);
    change({ keys: [...others, rounded].sort((a, b) => a.t - b.t) });
  };
  const number = (label, title, value, onChange) => numberField({ label, title, value, onChange });
  return [
    number("X", "Shift in pixels", pose.dx * width, set("dx", width)),
    number("Y", "Shift in pixels", pose.dy * height, set("dy", height)),
    number("Turn", "Degrees, clockwise", pose.rotate_deg, set("rotate_deg", 1)),
    number("Size", "Percent", pose.scale * 100, set("scale", 100, 0.001)),
  ];
}

/** Start and end in frames, and what happens outside. */
export function timingFields({ layer, change, desk }) {
  const { frames } = desk.store.state.clip;
  const last = clipTimes(frames).length - 1 || 1;
  const { start = 0, end = 1, before = "hold", after = "hold" } = layer;
  const frame = (value) => Math.min(Math.max(value / last, 0), 1);
  return [
    numberField({
      label: "Start",
      title: "First frame of the motion",
      value: start * last,
      onChange: (v) => v !== null && change({ start: Math.min(round(frame(v)), round(end - 0.005)) }),
    }),
    numberField({
      label: "End",
      title: "Last frame of the motion",
      value: end * last,
      onChange: (v) => v !== null && change({ end: Math.max(round(frame(v)), round(start + 0.005)) }),
    }),
    choiceField({ label: "Before", title: "Before the start", options: OUTSIDE, value: before, onChange: (key) => change({ before: key }) }),
    choiceField({ label: "After", title: "After the end", options: OUTSIDE, value: after, onChange: (key) => change({ after: key }) }),
  ];
}
