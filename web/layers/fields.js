/**
 * Fields of the inspector as data. A part is {title, fields}; a field is one of
 *   { kind: "slider", label, title, min, max, step, unit, value, change }
 *   { kind: "number", label, title, value (null: empty), placeholder, change }
 *   { kind: "choice", label, title, options: [[value, name, title], ...], value, change }
 *   { kind: "easing", value, change }
 *   { kind: "button", label, title, layer: the layer that it adds, or command: what it calls }
 * where change(value) returns the fields of the layer (or of the settings) that change, or null.
 */

import { round } from "../model/document.js";
import { handleKind, handlesOf, movedHandle, ofKind } from "../model/handles.js";

const OUTSIDE = [
  ["hold", "Hold", "Stays where it begins or ends"],
  ["absent", "Absent", "Has no tracks there"],
];
const SHORTEST = 0.005; // of the clip: the least length of a layer's window

/** A slider in percent for a fraction; `change` takes the fraction. */
export function percentField({ value, change, ...rest }) {
  return {
    kind: "slider",
    unit: "%",
    ...rest,
    value: value * 100,
    change: (percent) => change(round(percent / 100)),
  };
}

/** The spacing of the tracks of an area. */
export function spacingField(spacing) {
  return percentField({
    label: "Spacing",
    title: "Between tracks, of the short side",
    min: 0.2,
    max: 15,
    step: 0.1,
    value: spacing,
    change: (value) => ({ spacing: value }),
  });
}

/** The cells of the grid. */
export function cellField({ cell }) {
  return percentField({
    label: "Cell",
    title: "Side of a cell, of the short side",
    min: 1,
    max: 25,
    step: 0.25,
    value: cell,
    change: (value) => ({ cell: value }),
  });
}

/**
 * x and y of one point in pixels and, on a path, its frame. `state` is {size, clip, bends}: where the
 * point has handles, `bends` is the canvas that was drawn on, else null.
 */
export function pointFields(layer, index, { size, clip, bends = null }) {
  const point = layer.points[index];
  const [x, y] = point.slice(-2);
  const put = (next) => ({ points: layer.points.map((old, i) => (i === index ? next : old)) });
  const at = (nx, ny) => put([...point.slice(0, -2), round(nx), round(ny)]);
  const coordinates = [
    numberOf("X", "Pixels from the left", x * size.width, (v) => at(v / size.width, y)),
    numberOf("Y", "Pixels from the top", y * size.height, (v) => at(x, v / size.height)),
  ];
  if (point.length < 3) return coordinates;
  const last = Math.max(clip.frames - 1, 1);
  const { start = 0, end = 1 } = layer;
  const timeOf = (frame) => within(layer, index, (frame / last - start) / (end - start));
  const frameField = {
    kind: "number",
    label: "Frame",
    title: "When the point is reached; empty: by the length of the line",
    value: point[0] === null ? null : (start + point[0] * (end - start)) * last,
    placeholder: "even",
    change: (frame) => put([frame === null ? null : timeOf(frame), x, y]),
  };
  return [...coordinates, frameField, ...(bends ? handleFields(layer, index, size, bends) : [])];
}

/** How a path bends at a point, and its handles in pixels from the point. */
function handleFields(layer, index, size, drawnOn) {
  const [, px, py] = layer.points[index];
  const offsets = handlesOf(layer, index, drawnOn);
  const numbers = (side, at, name) =>
    [["X", size.width], ["Y", size.height]].map(([axis, pixels], i) =>
      numberOf(`${name} ${axis}`, `Handle ${name.toLowerCase()} of the point, pixels from it`, offsets[at + i] * pixels, (value) => {
        const [x, y] = offsets.slice(at, at + 2).with(i, value / pixels);
        return movedHandle(layer, { index, side }, [px + x, py + y], { drawnOn });
      }),
    );
  const kind = {
    kind: "choice",
    label: "Bend",
    title: "How the line passes the point",
    options: [
      ["auto", "Auto", "The smooth curve through the points decides"],
      ["smooth", "Smooth", "Both handles lie on one line"],
      ["corner", "Corner", "Each handle has its own direction"],
    ],
    value: handleKind(layer, index, drawnOn),
    change: (next) => ofKind(layer, index, next, drawnOn),
  };
  return [kind, ...numbers("in", 0, "Before"), ...numbers("out", 2, "After")];
}

/** A point's time kept between those of its neighbours. */
function within(layer, index, time) {
  const times = layer.points.map(([t]) => t);
  const before = times.slice(0, index).findLast((t) => t !== null) ?? 0;
  const after = times.slice(index + 1).find((t) => t !== null) ?? 1;
  return round(Math.min(Math.max(time, before), after));
}

/** A number that cannot be left empty. */
export function numberOf(label, title, value, change) {
  return {
    kind: "number",
    label,
    title,
    value,
    change: (number) => (number === null ? null : change(number)),
  };
}

/** How long the next recorded motion lasts. */
export function pacingField({ pacing }) {
  return {
    kind: "choice",
    label: "Lasts",
    title: "How long a motion drawn by hand lasts",
    options: [
      ["hand", "As drawn", "As long as the hand took, a second at least"],
      ["clip", "To the end", "From the playhead to the end of the clip"],
    ],
    value: pacing ?? "hand",
    change: (next) => ({ pacing: next }),
  };
}

/** Buttons of the timing. `others` is how many other layers are selected. */
export function timingButtons(others) {
  const button = (label, title, command) => ({ kind: "button", label, title, command });
  return [
    button("Whole clip", "From the first to the last frame (W)", "fillClip"),
    button("Copy timing", "Start, end, outside and easing of this layer (Y)", "copyTiming"),
    button("Paste timing", "Gives the selected layers the copied timing (U)", "pasteTiming"),
    ...(others ? [button("Same for selected", "Gives the other selected layers this timing", "shareTiming")] : []),
  ];
}

/** Start and end in frames, and what happens outside. */
export function timingFields(layer, { clip }) {
  const last = clip.frames - 1 || 1;
  const { start = 0, end = 1, before = "hold", after = "hold" } = layer;
  const timeOf = (frame) => round(Math.min(Math.max(frame / last, 0), 1));
  const outside = (name, label, title, value) => ({
    kind: "choice",
    label,
    title,
    options: OUTSIDE,
    value,
    change: (key) => ({ [name]: key }),
  });
  return [
    numberOf("Start", "First frame of the motion", start * last, (frame) => ({
      start: Math.min(timeOf(frame), round(end - SHORTEST)),
    })),
    numberOf("End", "Last frame of the motion", end * last, (frame) => ({
      end: Math.max(timeOf(frame), round(start + SHORTEST)),
    })),
    outside("before", "Before", "Before the start", before),
    outside("after", "After", "After the end", after),
  ];
}

/** The curve of the easing. */
export function easingField(layer) {
  return {
    kind: "easing",
    value: layer.easing ?? "linear",
    change: (easing) => ({ easing }),
  };
}
