/**
 * Dots and their tracks as flat numbers: x and y of one dot after the other in a Float64Array, in
 * fractions of the picture. A drawing may have tens of thousands of dots, and a playing clip moves
 * them all in every frame, so nothing here makes an object for a single dot.
 */

const MOST_CELLS = 512; // of a side of the grid that finds neighbours

/** A list of dots that grows; `dots()` is what it holds. */
export function makeDotList() {
  let kept = new Float64Array(64);
  let used = 0;
  return {
    add(x, y) {
      if (used + 2 > kept.length) {
        const larger = new Float64Array(2 * kept.length);
        larger.set(kept);
        kept = larger;
      }
      kept[used] = x;
      kept[used + 1] = y;
      used += 2;
    },
    dots: () => kept.slice(0, used),
  };
}

/**
 * Tracks of dots: { dots, at(time) -> { xy, visible } } where they start, and where they are: xy as
 * `dots`, visible a Uint8Array. `move(xy, visible, time)` fills both. They are valid until `at` is
 * called again.
 */
export function makeTracks(dots, move) {
  let now = null;
  return {
    dots,
    at(time) {
      now ??= { xy: new Float64Array(dots.length), visible: new Uint8Array(dots.length / 2) };
      move(now.xy, now.visible, time);
      return now;
    },
  };
}

/** Tracks of dots that stay. */
export function stillTracks(dots) {
  const still = { xy: dots, visible: new Uint8Array(dots.length / 2).fill(1) };
  return { dots, at: () => still };
}

/**
 * The dots that are farther from all dots of each group than the group's reach. `groups` is
 * [{ dots, reach }, ...], a reach is a fraction of the short side of `size`.
 */
export function dotsBeside(dots, groups, { width, height }) {
  const short = Math.min(width, height);
  const unit = [width / short, height / short];
  let kept = dots;
  for (const { dots: others, reach } of groups) {
    if (!others.length || !kept.length) continue;
    const isNear = neighbourFinder(others, reach, { unit, over: kept });
    const list = makeDotList();
    for (let at = 0; at < kept.length; at += 2) {
      if (!isNear(kept[at], kept[at + 1])) list.add(kept[at], kept[at + 1]);
    }
    kept = list.dots();
  }
  return kept;
}

/**
 * A function (x, y) that says whether any of `dots` lies within `reach`. It sorts them into the
 * cells of a grid over the box of `over`, so that a place is compared with the nine cells around it.
 */
function neighbourFinder(dots, reach, { unit: [unitX, unitY], over }) {
  const box = boxOf(over);
  const extent = Math.max((box.right - box.left) * unitX, (box.bottom - box.top) * unitY);
  const cell = Math.max(reach, extent / MOST_CELLS, 1e-9);
  const columnOf = (x) => Math.floor(((x - box.left) * unitX) / cell) + 1;
  const rowOf = (y) => Math.floor(((y - box.top) * unitY) / cell) + 1;
  const columns = columnOf(box.right) + 2;
  const rows = rowOf(box.bottom) + 2;
  const cellOf = (x, y) => {
    const [column, row] = [columnOf(x), rowOf(y)];
    return column < 0 || row < 0 || column >= columns || row >= rows ? -1 : row * columns + column;
  };
  const { starts, order } = sorted(dots, cellOf, columns * rows);
  const most = reach * reach;
  return (x, y) => {
    const [column, row] = [columnOf(x), rowOf(y)];
    for (let near = Math.max(row - 1, 0); near <= Math.min(row + 1, rows - 1); near += 1) {
      const first = near * columns + Math.max(column - 1, 0);
      const last = near * columns + Math.min(column + 1, columns - 1);
      for (let place = starts[first]; place < starts[last + 1]; place += 1) {
        const dx = (x - dots[order[place]]) * unitX;
        const dy = (y - dots[order[place] + 1]) * unitY;
        if (dx * dx + dy * dy <= most) return true;
      }
    }
    return false;
  };
}

/** The offsets of the dots ordered by their cells, and where each cell starts; -1 is no cell. */
function sorted(dots, cellOf, cells) {
  const cellOfDot = new Int32Array(dots.length / 2);
  const starts = new Int32Array(cells + 1);
  for (let dot = 0; dot < cellOfDot.length; dot += 1) {
    cellOfDot[dot] = cellOf(dots[2 * dot], dots[2 * dot + 1]);
    if (cellOfDot[dot] >= 0) starts[cellOfDot[dot] + 1] += 1;
  }
  for (let cell = 0; cell < cells; cell += 1) starts[cell + 1] += starts[cell];
  const order = new Int32Array(starts[cells]);
  const next = starts.slice();
  cellOfDot.forEach((cell, dot) => {
    if (cell >= 0) order[next[cell]++] = 2 * dot;
  });
  return { starts, order };
}

function boxOf(dots) {
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (let at = 0; at < dots.length; at += 2) {
    box.left = Math.min(box.left, dots[at]);
    box.right = Math.max(box.right, dots[at]);
    box.top = Math.min(box.top, dots[at + 1]);
    box.bottom = Math.max(box.bottom, dots[at + 1]);
  }
  return box;
}
