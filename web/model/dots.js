/**
 * Where every dot that will be tracked is at a moment: what the overlay draws and the live preview
 * warps by. Layers without a polygon of their own (masks, backgrounds) are shown by their grid.
 *
 * A layer's dots do not depend on time, only their motion does, so `layerMover` does the costly
 * part once and returns a function of time that is cheap enough for every frame of playback.
 */

import { brushDots, movedByRegion, polygonDots, pullWeight } from "./layers.js";
import { samplePath } from "./sample.js";
import { directionUnder, facesViewer, sphereDirections, turnBetween } from "./sphere.js";

const WHOLE = [[0, 0], [1, 0], [1, 1], [0, 1]];
/** The spacing of the dots of an area where the layer says none. */
export const SPACING = { pin: 0.04, sphere: 0.02, region: 0.03 };

/**
 * A layer's dots and their motion: { dots: [[x, y], ...] where they start, at(time) -> { xy:
 * [[x, y], ...], shown: [bool, ...] } }, all in fractions of the picture.
 */
export function layerMover(layer, size, drawnOn) {
  const movers = { drag: dragMover, pin: pinMover, sphere: sphereMover, region: regionMover };
  const mover = movers[layer.type];
  return mover ? mover(layer, size, drawnOn) : { dots: [], at: () => ({ xy: [], shown: [] }) };
}

/** Where the pointer of a path layer is at a clip time, in fractions, and whether it shows. */
export function pointerAt(layer, time, drawnOn) {
  const { xy, present } = samplePath(layer, [time], { width: 1, height: 1 }, drawnOn);
  return { point: xy[0], isShown: present[0] };
}

function dragMover(layer, size, drawnOn) {
  const start = layer.points[0].slice(1);
  const dots = brushDots(start, layer.brush, size);
  const pulls = dots.map((dot) => pullWeight(dot, start, layer.brush, size));
  return {
    dots,
    at(time) {
      const { point, isShown } = pointerAt(layer, time, drawnOn);
      const [dx, dy] = [point[0] - start[0], point[1] - start[1]];
      return {
        xy: dots.map(([x, y], i) => [x + pulls[i] * dx, y + pulls[i] * dy]),
        shown: dots.map(() => isShown),
      };
    },
  };
}

function pinMover(layer, size) {
  const area = layer.area === "background" ? WHOLE : layer.polygon;
  const spacing = layer.spacing ?? SPACING.pin;
  const filled = Array.isArray(area) ? polygonDots(area, spacing, size) : [];
  const dots = [...(layer.points ?? []), ...filled];
  const still = { xy: dots, shown: dots.map(() => true) };
  return { dots, at: () => still };
}

function sphereMover(layer, size, drawnOn) {
  const center = layer.center ?? [0.5, 0.5];
  const short = Math.min(size.width, size.height);
  const radius = [0, 1].map(
    (axis) => ((layer.radius ?? 0.2) * short) / (axis ? size.height : size.width),
  );
  const place = ([x, y]) => [center[0] + x * radius[0], center[1] + y * radius[1]];
  const under = ([x, y]) =>
    directionUnder([(x - center[0]) / radius[0], (y - center[1]) / radius[1]]);
  const first = under(pointerAt(layer, 0, drawnOn).point);
  const rest = sphereDirections(layer.radius ?? 0.2, layer.spacing ?? SPACING.sphere);
  const directions = [first, ...rest];
  return {
    dots: directions.map(place),
    at(time) {
      const { point, isShown } = pointerAt(layer, time, drawnOn);
      const moved = directions.map(turnBetween(first, under(point)));
      return { xy: moved.map(place), shown: moved.map((d) => isShown && facesViewer(d)) };
    },
  };
}

function regionMover(layer, size) {
  const spacing = layer.spacing ?? SPACING.region;
  const dots = Array.isArray(layer.polygon) ? polygonDots(layer.polygon, spacing, size) : [];
  const { start = 0, end = 1, before = "hold", after = "hold" } = layer;
  return {
    dots,
    at(time) {
      const isShown =
        !(before === "absent" && time < start) && !(after === "absent" && time > end);
      return { xy: movedByRegion(layer, dots, time, size), shown: dots.map(() => isShown) };
    },
  };
}
