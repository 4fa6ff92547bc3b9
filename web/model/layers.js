/**
 * What each layer shows: its line, outline, dots and handles, in fractions of the picture.
 *
 * Circles and turns happen in pixels of the picture, so everything that has a radius or an angle
 * takes the picture's `size`.
 */

import { hasPath } from "./document.js";
import { bounds, centroid, edgeX, isInside } from "./geometry.js";
import { sampleRegion } from "./sample.js";

export const DEFAULT_BRUSH = { radius: 0.06, spacing: 0.02, shape: "round", falloff: "rigid" };
const MOST_DOTS = 20000;
const pivots = new WeakMap(); // found once per polygon: layers are never changed in place

/** The points of a layer as [x, y], whatever its type. */
export function layerPoints(layer) {
  if (hasPath(layer)) return layer.points.map(([, x, y]) => [x, y]);
  return layer.points ?? [];
}

/** Every point by which a layer can be found: line, dots, outline. */
export function layerExtent(layer, size) {
  const outline = layerOutline(layer, size);
  return [...layerPoints(layer), ...(outline ?? [])];
}

/** The closed outline of a layer as it lies at time zero: sphere or polygon; null for none. */
export function layerOutline(layer, size) {
  if (layer.type === "sphere") return circle(layer.center ?? [0.5, 0.5], layer.radius ?? 0.2, size);
  return Array.isArray(layer.polygon) ? layer.polygon : null;
}

/** A circle as a polygon; the radius is a fraction of the short side. */
export function circle([cx, cy], radius, size, corners = 48) {
  const pixels = radius * Math.min(size.width, size.height);
  return Array.from({ length: corners }, (_, i) => {
    const angle = (2 * Math.PI * i) / corners;
    return [
      cx + (pixels * Math.cos(angle)) / size.width,
      cy + (pixels * Math.sin(angle)) / size.height,
    ];
  });
}

/** The dots of a brush around a point: the very points that expansion will track. */
export function brushDots([x, y], brush, size) {
  const { radius, spacing, shape } = { ...DEFAULT_BRUSH, ...brush };
  const reach = (radius / spacing) * (1 + 1e-9);
  const steps = Math.floor(reach);
  const unit = spacing * Math.min(size.width, size.height);
  const dots = [];
  if ((2 * steps + 1) ** 2 > MOST_DOTS) return [[x, y]];
  for (let row = -steps; row <= steps; row += 1) {
    for (let column = -steps; column <= steps; column += 1) {
      if (shape === "round" && row * row + column * column > reach * reach) continue;
      dots.push([x + (column * unit) / size.width, y + (row * unit) / size.height]);
    }
  }
  return dots;
}

/** How much of the pointer's way a dot of a brush goes: 1 when rigid. */
export function pullWeight(dot, start, brush, size) {
  const { radius, falloff } = { ...DEFAULT_BRUSH, ...brush };
  if (falloff !== "gaussian" || radius === 0) return 1;
  const short = Math.min(size.width, size.height);
  const dx = ((dot[0] - start[0]) * size.width) / short;
  const dy = ((dot[1] - start[1]) * size.height) / short;
  const sigma = radius / 2;
  return Math.exp((-0.5 * (dx * dx + dy * dy)) / (sigma * sigma));
}

/** A grid of dots inside a polygon, centred on its bounding box. */
export function polygonDots(polygon, spacing, size) {
  // Measured in short sides, as the tracks are, so that dots on an edge fall alike.
  const short = Math.min(size.width, size.height);
  const unit = [size.width / short, size.height / short];
  const corners = polygon.map(([x, y]) => [(x * size.width) / short, (y * size.height) / short]);
  const { left, top, right, bottom } = bounds(corners);
  const across = centredSteps(left, right, spacing);
  const down = centredSteps(top, bottom, spacing);
  if (across.length * down.length > MOST_DOTS) return [];
  const grid = down.flatMap((y) => across.map((x) => [x, y]));
  const inside = grid.filter((dot) => isInside(dot, corners));
  const dots = inside.length ? inside : middleOfWidestSpan(corners, (top + bottom) / 2);
  return dots.map(([x, y]) => [x / unit[0], y / unit[1]]);
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

/** Where a region's points are at a clip time: turned and zoomed about its pivot, then shifted. */
export function movedByRegion(layer, points, time, size) {
  const motion = sampleRegion(layer, [time], size);
  const [px, py] = regionPivot(layer, size).map((v, axis) => v * (axis ? size.height : size.width));
  const angle = (motion.rotateDeg[0] * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle) * motion.scale[0], Math.sin(angle) * motion.scale[0]];
  const [shiftX, shiftY] = motion.shift[0];
  return points.map(([x, y]) => {
    const [dx, dy] = [x * size.width - px, y * size.height - py];
    return [
      (px + cos * dx - sin * dy + shiftX) / size.width,
      (py + sin * dx + cos * dy + shiftY) / size.height,
    ];
  });
}

/** One dot for a polygon so thin that no grid dot meets it; none where it encloses nothing. */
function middleOfWidestSpan(corners, y) {
  const crossings = corners
    .map((corner, i) => [corner, corners[(i + 1) % corners.length]])
    .filter(([from, to]) => from[1] <= y !== to[1] <= y)
    .map(([from, to]) => (from[1] <= to[1] ? edgeX(from, to, y) : edgeX(to, from, y)))
    .sort((a, b) => a - b);
  let widest = [0, 0];
  for (let i = 0; i + 1 < crossings.length; i += 2) {
    if (crossings[i + 1] - crossings[i] > widest[1] - widest[0]) widest = crossings.slice(i, i + 2);
  }
  return widest[1] > widest[0] ? [[(widest[0] + widest[1]) / 2, y]] : [];
}

function centredSteps(low, high, unit) {
  const count = Math.max(1, Math.floor(((high - low) / unit) * (1 + 1e-9)));
  const middle = (low + high) / 2;
  return Array.from({ length: count }, (_, i) => middle + (i - (count - 1) / 2) * unit);
}
