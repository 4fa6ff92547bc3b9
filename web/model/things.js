/**
 * The things that drags move, cut out of the picture by the last run: which part of it goes along
 * with a dragged point. A drag that begins elsewhere by now has none.
 */

const SAME_PLACE = 1e-3; // fractions of the picture
const AROUND = [[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1], [0.7, 0.7], [0.7, -0.7], [-0.7, 0.7], [-0.7, -0.7]];

/** What no run has found. */
export const NO_THINGS = new Map();

/**
 * Things by the id of their layer from what a run reports: a list of {layer, at: [x, y], columns,
 * rows, cells}, the cells as base64 of one bit each, row by row, the highest bit first. What is not
 * like that is left out.
 */
export function readThings(reported) {
  if (!Array.isArray(reported) || !reported.length) return NO_THINGS;
  const things = new Map();
  for (const { layer, at, columns, rows, cells } of reported) {
    const bits = Uint8Array.from(atob(cells), (letter) => letter.charCodeAt(0));
    if (columns * rows <= 8 * bits.length) things.set(layer, { at, columns, rows, bits });
  }
  return things;
}

/** The thing of a layer that still begins where it did; undefined without one. */
export function thingOf(things, layer) {
  const thing = things.get(layer.id);
  const [, x, y] = layer.points?.[0] ?? [];
  const isThere = thing && Math.abs(x - thing.at[0]) < SAME_PLACE && Math.abs(y - thing.at[1]) < SAME_PLACE;
  return isThere ? thing : undefined;
}

/** Flat dots without those on a thing or within `margin` of it, a fraction of the short side. */
export function dotsOffThing(dots, thing, margin, { width, height }) {
  const short = Math.min(width, height);
  const [right, down] = [(margin * short) / width, (margin * short) / height];
  const isOn = (x, y) => AROUND.some(([dx, dy]) => bitAt(thing, x + dx * right, y + dy * down));
  const kept = [];
  for (let at = 0; at < dots.length; at += 2) {
    if (!isOn(dots[at], dots[at + 1])) kept.push(dots[at], dots[at + 1]);
  }
  return Float64Array.from(kept);
}

/** Whether a place in fractions is on a thing; beyond the picture's edge, whether its edge is. */
function bitAt({ columns, rows, bits }, x, y) {
  const column = Math.min(Math.max(Math.floor(x * columns), 0), columns - 1);
  const row = Math.min(Math.max(Math.floor(y * rows), 0), rows - 1);
  const place = row * columns + column;
  return (bits[place >> 3] >> (7 - (place & 7))) & 1;
}
