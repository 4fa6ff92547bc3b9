/**
 * What is costly to compute about a layer and stays valid until the layer changes: its tracks, its
 * line, its ticks. Layers are immutable, so a layer object is its own key. Each part is computed
 * when it is first read.
 */

import { layerType } from "../../layers/index.js";

/** `of(layer, scene)` gives {tracks, line, ticks}, where scene is {size, drawnOn, frames}. */
export function makeMotionCache() {
  let motions = new WeakMap();
  let key = "";
  return {
    of(layer, scene) {
      const { size, drawnOn, frames } = scene;
      const current = [size.width, size.height, drawnOn.width, drawnOn.height, frames].join();
      if (current !== key) motions = new WeakMap();
      key = current;
      if (!motions.has(layer)) motions.set(layer, motionOf(layer, { size, drawnOn, frames }));
      return motions.get(layer);
    },
  };
}

function motionOf(layer, scene) {
  const type = layerType(layer);
  let [tracks, line, ticks] = [null, null, null];
  return {
    get tracks() {
      return (tracks ??= type.tracks(layer, scene.size, scene.drawnOn));
    },
    get line() {
      return (line ??= type.line?.(layer, scene) ?? []);
    },
    get ticks() {
      return (ticks ??= type.ticks?.(layer, scene) ?? []);
    },
  };
}
