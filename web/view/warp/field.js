/**
 * The live preview's motion: a grid over the picture whose corners follow the nearest dots.
 *
 * It is a sketch of what Draft Motion makes with care. A corner takes the mean motion of its
 * nearest dots, weighted by 1/distance^4, and less of it the further away even the nearest is.
 */

import { layerMover, pointerAt } from "../../model/dots.js";

const NEAREST = 6;
const MOST_DOTS = 900;
const REACH = 0.09; // of the short side: how far a dot pulls the picture beyond its own spacing

/**
 * The field of a document: { columns, rows, rest: Float32Array of corners x, y in fractions,
 * isStill, at(time) -> Float32Array of moved corners x, y and z (how far each has gone) }.
 */
export function makeField(document, size, { columns = 48 } = {}) {
  const rows = Math.max(2, Math.round((columns * size.height) / size.width));
  const layers = document.layers.filter((layer) => layer.enabled !== false);
  const movers = layers.map((layer) => layerMover(layer, size, document.drawn_on));
  const cameras = layers.filter((layer) => layer.type === "camera_grab");
  const picks = pickDots(movers);
  const rest = cornersOf(columns, rows);
  const ties = tie(rest, picks.map((pick) => pick.dot), size);
  const moved = new Float32Array((rest.length / 2) * 3);
  const motion = new Float32Array(picks.length * 3); // kept: playing must not litter
  return {
    columns,
    rows,
    rest,
    isStill: !picks.length && !cameras.length,
    at(time) {
      moveDots(motion, picks, movers, time);
      pull(moved, rest, ties, motion);
      shiftAll(moved, cameraShift(cameras, time, document.drawn_on));
      return moved;
    },
  };
}

/** Evenly few of all dots: [{ mover, index, dot }, ...]. */
function pickDots(movers) {
  const all = movers.flatMap((mover, place) =>
    mover.dots.map((dot, index) => ({ mover: place, index, dot })),
  );
  const step = Math.ceil(all.length / MOST_DOTS);
  return all.filter((_, place) => place % step === 0);
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
function tie(rest, dots, size) {
  const short = Math.min(size.width, size.height);
  const [unitX, unitY] = [size.width / short, size.height / short];
  const count = rest.length / 2;
  const ties = {
    count: Math.min(NEAREST, dots.length),
    dots: new Int32Array(count * NEAREST).fill(-1),
    weights: new Float32Array(count * NEAREST),
    share: new Float32Array(count),
  };
  const near = new Float64Array(NEAREST);
  for (let corner = 0; corner < count; corner += 1) {
    const place = [rest[corner * 2] * unitX, rest[corner * 2 + 1] * unitY];
    near.fill(Infinity);
    dots.forEach(([x, y], dot) => {
      const gap = (x * unitX - place[0]) ** 2 + (y * unitY - place[1]) ** 2;
      if (gap < near[NEAREST - 1]) insert(near, ties.dots, corner * NEAREST, gap, dot);
    });
    for (let k = 0; k < ties.count; k += 1) {
      ties.weights[corner * NEAREST + k] = 1 / (near[k] + 1e-5) ** 2;
    }
    ties.share[corner] = dots.length ? Math.exp((-0.5 * near[0]) / (REACH * REACH)) : 0;
  }
  return ties;
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

/** The displacement x, y of every picked dot at a time, and 0 or 1 for whether it shows. */
function moveDots(motion, picks, movers, time) {
  const places = movers.map((mover) => mover.at(time));
  picks.forEach(({ mover, index, dot }, place) => {
    const { xy, shown } = places[mover];
    motion[place * 3] = xy[index][0] - dot[0];
    motion[place * 3 + 1] = xy[index][1] - dot[1];
    motion[place * 3 + 2] = shown[index] ? 1 : 0;
  });
}

/** Moves every corner by the mean motion of its dots. */
function pull(moved, rest, ties, motion) {
  for (let corner = 0; corner < rest.length / 2; corner += 1) {
    let [sum, x, y] = [0, 0, 0];
    for (let place = corner * NEAREST; place < corner * NEAREST + ties.count; place += 1) {
      const at = ties.dots[place] * 3;
      const weight = ties.weights[place] * motion[at + 2];
      sum += weight;
      x += weight * motion[at];
      y += weight * motion[at + 1];
    }
    const share = sum > 0 ? ties.share[corner] / sum : 0;
    moved[corner * 3] = rest[corner * 2] + x * share;
    moved[corner * 3 + 1] = rest[corner * 2 + 1] + y * share;
    moved[corner * 3 + 2] = Math.min(Math.hypot(x, y) * share, 1);
  }
}

function shiftAll(moved, [x, y]) {
  if (!x && !y) return;
  for (let at = 0; at < moved.length; at += 3) {
    moved[at] += x;
    moved[at + 1] += y;
  }
}

function cameraShift(cameras, time, drawnOn) {
  let [x, y] = [0, 0];
  for (const layer of cameras) {
    const now = pointerAt(layer, time, drawnOn).point;
    x += now[0] - layer.points[0][1];
    y += now[1] - layer.points[0][2];
  }
  return [x, y];
}
