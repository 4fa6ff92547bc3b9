/**
 * The live preview's motion field: a grid over the picture whose corners follow the nearest dots.
 *
 * It approximates Draft Motion. A corner takes the mean motion of its nearest dots, weighted by
 * 1/distance^4, and less of it the further away even the nearest is.
 */

import { layerType, tracksOf } from "../../layers/index.js";

const NEAREST = 6;
const MOST_DOTS = 900;
const REACH = 0.09; // of the short side: how far a dot pulls the picture beyond its own spacing

/**
 * The field of a document: { columns, rows, rest: Float32Array of corners x, y in fractions,
 * isStill, at(time) -> Float32Array of moved corners x, y and z (how far each has gone) }.
 */
export function makeField(document, size, { columns = 48, things } = {}) {
  const rows = Math.max(2, Math.round((columns * size.height) / size.width));
  const layers = document.layers.filter((layer) => layer.enabled !== false);
  const tracks = tracksOf(layers, size, document.drawn_on, things);
  const shifting = layers.filter((layer) => layerType(layer).pictureShift);
  const picks = pickDots(tracks);
  const rest = cornersOf(columns, rows);
  const neighbours = findNeighbours(rest, picks.dots, size);
  const moved = new Float32Array((rest.length / 2) * 3);
  const motion = new Float32Array(picks.count * 3); // kept: playing must not allocate
  return {
    columns,
    rows,
    rest,
    isStill: !picks.count && !shifting.length,
    at(time) {
      moveDots(motion, picks, tracks, time);
      interpolate(moved, rest, neighbours, motion);
      shiftAll(moved, pictureShift(shifting, time, document.drawn_on));
      return moved;
    },
  };
}

/** Evenly few of all dots: `dots` x and y of each, `places` its layer and its number there. */
function pickDots(tracks) {
  const total = tracks.reduce((sum, { dots }) => sum + dots.length / 2, 0);
  const step = Math.ceil(total / MOST_DOTS) || 1;
  const count = Math.ceil(total / step);
  const picks = { count, dots: new Float64Array(2 * count), places: new Int32Array(2 * count) };
  let before = 0; // dots of the layers below
  tracks.forEach(({ dots }, layer) => {
    const own = dots.length / 2;
    for (let index = (step - (before % step)) % step; index < own; index += step) {
      const at = 2 * ((before + index) / step);
      picks.dots.set([dots[2 * index], dots[2 * index + 1]], at);
      picks.places.set([layer, index], at);
    }
    before += own;
  });
  return picks;
}

function cornersOf(columns, rows) {
  const rest = new Float32Array((columns + 1) * (rows + 1) * 2);
  for (let row = 0, at = 0; row <= rows; row += 1) {
    for (let column = 0; column <= columns; column += 1, at += 2) {
      rest[at] = column / columns;
      rest[at + 1] = row / rows;
    }
  }
  return rest;
}

/** For each corner its nearest dots, their weights, and how much of their motion it takes. */
function findNeighbours(rest, dots, size) {
  const short = Math.min(size.width, size.height);
  const [unitX, unitY] = [size.width / short, size.height / short];
  const count = rest.length / 2;
  const total = dots.length / 2;
  const found = {
    count: Math.min(NEAREST, total),
    dots: new Int32Array(count * NEAREST).fill(-1),
    weights: new Float32Array(count * NEAREST),
    falloff: new Float32Array(count),
  };
  const near = new Float64Array(NEAREST);
  for (let corner = 0; corner < count; corner += 1) {
    const [left, top] = [rest[corner * 2] * unitX, rest[corner * 2 + 1] * unitY];
    near.fill(Infinity);
    for (let dot = 0; dot < total; dot += 1) {
      const [dx, dy] = [dots[2 * dot] * unitX - left, dots[2 * dot + 1] * unitY - top];
      const gap = dx * dx + dy * dy;
      if (gap < near[NEAREST - 1]) insert(near, found.dots, corner * NEAREST, gap, dot);
    }
    for (let k = 0; k < found.count; k += 1) {
      found.weights[corner * NEAREST + k] = 1 / (near[k] + 1e-5) ** 2;
    }
    found.falloff[corner] = total ? Math.exp((-0.5 * near[0]) / (REACH * REACH)) : 0;
  }
  return found;
}

function insert(near, dots, base, gap, dot) {
  let k = NEAREST - 1;
  while (k > 0 && near[k - 1] > gap) {
    near[k] = near[k - 1];
    dots[base + k] = dots[base + k - 1];
    k -= 1;
  }
  near[k] = gap;
  dots[base + k] = dot;
}

/** The displacement x, y of every picked dot at a time, and 0 or 1 for whether it is visible. */
function moveDots(motion, { count, dots, places }, tracks, time) {
  const positions = tracks.map((one) => one.at(time));
  for (let pick = 0; pick < count; pick += 1) {
    const { xy, visible } = positions[places[2 * pick]];
    const index = places[2 * pick + 1];
    motion[3 * pick] = xy[2 * index] - dots[2 * pick];
    motion[3 * pick + 1] = xy[2 * index + 1] - dots[2 * pick + 1];
    motion[3 * pick + 2] = visible[index];
  }
}

/** Moves every corner by the mean motion of its dots. */
function interpolate(moved, rest, neighbours, motion) {
  for (let corner = 0; corner < rest.length / 2; corner += 1) {
    let [sum, x, y] = [0, 0, 0];
    for (let place = corner * NEAREST; place < corner * NEAREST + neighbours.count; place += 1) {
      const at = neighbours.dots[place] * 3;
      const weight = neighbours.weights[place] * motion[at + 2];
      sum += weight;
      x += weight * motion[at];
      y += weight * motion[at + 1];
    }
    const scale = sum > 0 ? neighbours.falloff[corner] / sum : 0;
    moved[corner * 3] = rest[corner * 2] + x * scale;
    moved[corner * 3 + 1] = rest[corner * 2 + 1] + y * scale;
    moved[corner * 3 + 2] = Math.min(Math.hypot(x, y) * scale, 1);
  }
}

function shiftAll(moved, [x, y]) {
  if (!x && !y) return;
  for (let at = 0; at < moved.length; at += 3) {
    moved[at] += x;
    moved[at + 1] += y;
  }
}

function pictureShift(layers, time, drawnOn) {
  const shifts = layers.map((layer) => layerType(layer).pictureShift(layer, time, drawnOn));
  return shifts.reduce(([x, y], [dx, dy]) => [x + dx, y + dy], [0, 0]);
}
