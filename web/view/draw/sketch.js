/**
 * What is costly to know about a layer and stays true until the layer changes: its line, its dots,
 * where it is at every frame. Layers are immutable, so a layer object is its own key.
 */

import { hasPath } from "../../model/document.js";
import { layerMover } from "../../model/dots.js";
import { lineOnView } from "../../model/hit.js";
import { regionPivot } from "../../model/layers.js";
import { clipTimes, samplePath, sampleRegion } from "../../model/sample.js";

const MOST_STEPS = 60;
const UNIT = { size: { width: 1, height: 1 }, scale: 1, left: 0, top: 0 };

/** A source of sketches: `of(layer, scene)`, where scene is {size, drawnOn, frames}. */
export function makeSketchbook() {
  let pages = new WeakMap();
  let binding = "";
  return {
    of(layer, scene) {
      const { size, drawnOn, frames } = scene;
      const key = [size.width, size.height, drawnOn.width, drawnOn.height, frames].join();
      if (key !== binding) pages = new WeakMap();
      binding = key;
      if (!pages.has(layer)) pages.set(layer, sketch(layer, scene));
      return pages.get(layer);
    },
  };
}

function sketch(layer, { size, drawnOn, frames }) {
  let [ticks, way] = [null, null];
  return {
    mover: layerMover(layer, size, drawnOn),
    line: hasPath(layer) ? lineOnView(layer, UNIT, drawnOn) : null,
    /** Where the pointer is at each frame, in fractions; only asked for where ticks are drawn. */
    get ticks() {
      ticks ??= hasPath(layer) ? ticksOf(layer, frames, drawnOn) : [];
      return ticks;
    },
    /** Where a region's middle goes, in fractions. */
    get way() {
      way ??= wayOf(layer, Math.min(frames, MOST_STEPS), size);
      return way;
    },
  };
}

function ticksOf(layer, frames, drawnOn) {
  const { start = 0, end = 1 } = layer;
  const inside = clipTimes(frames).filter((time) => time >= start - 1e-9 && time <= end + 1e-9);
  return samplePath(layer, inside, { width: 1, height: 1 }, drawnOn).xy;
}

function wayOf(layer, steps, size) {
  const { start = 0, end = 1 } = layer;
  const times = Array.from({ length: steps + 1 }, (_, i) => start + ((end - start) * i) / steps);
  const [x, y] = regionPivot(layer, size);
  const { shift } = sampleRegion(layer, times, size);
  return shift.map(([dx, dy]) => [x + dx / size.width, y + dy / size.height]);
}
