/** What layers that follow a drawn path share: their line, their ticks, and how points are read. */

import { layerPoints } from "../model/document.js";
import { clipTimes, samplePath } from "../model/sample.js";

const LINE_SAMPLES = 96;
const UNIT = { width: 1, height: 1 };
const TIME_SLACK = 1e-9;

/** Whether a path was recorded by hand: it has too many points to edit them one by one. */
export function isRecorded(layer) {
  return (layer.curve ?? "recorded") === "recorded";
}

/** A path's drawn line in fractions of the picture. */
export function pathLine(layer, { drawnOn }) {
  if (layer.curve !== "catmull_rom" && layer.curve !== "bezier") return layerPoints(layer);
  const count = Math.max(LINE_SAMPLES, layer.points.length * 8);
  const points = layer.points.map(([, x, y]) => [null, x, y]);
  const even = { points, curve: layer.curve, handles: layer.handles };
  const times = Array.from({ length: count + 1 }, (_, i) => i / count);
  return samplePath(even, times, UNIT, drawnOn).xy;
}

/** Where a path's pointer is at each frame of its window, in fractions. */
export function pathTicks(layer, { frames, drawnOn }) {
  const { start = 0, end = 1 } = layer;
  const isInside = (time) => time >= start - TIME_SLACK && time <= end + TIME_SLACK;
  return samplePath(layer, clipTimes(frames).filter(isInside), UNIT, drawnOn).xy;
}
