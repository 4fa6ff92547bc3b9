/**
 * Drawn lines measured by their own length: the twin of motion_core/document/curves.py.
 *
 * A line is a chain of cubic pieces over 0..1 in power basis, and a table of chord lengths over a
 * fixed number of steps per piece that turns a distance along the line into a place on it.
 */

const STEPS = 32;
const SAME_POINT_PX = 1e-6;
const NO_SPEED = 1e-9; // of the chord: an end slope below it is rounding, its handle has length zero

/**
 * The line through drawn points [[x, y], ...] in pixels, at least one. `handles` are for "bezier":
 * for each point [inX, inY, outX, outY] in pixels from it, or null for those of "catmull_rom".
 */
export function makeLine(points, curve, handles = null) {
  if (!points.length) throw new RangeError("a line needs at least one point");
  const owner = distinctOwners(points);
  const kept = points.filter((_, index) => index === 0 || owner[index] !== owner[index - 1]);
  if (kept.length === 1) {
    const [x, y] = kept[0];
    return line(points.map(() => 0), [[[x, y], [0, 0], [0, 0], [0, 0]]], [0, 0]);
  }
  const slopes = slopesOf(kept, { curve, handles, owner });
  const steps = slopes ? STEPS : 1;
  const pieces = cubicPieces(kept, slopes);
  const table = lengthTable(pieces, kept, steps);
  return line(owner.map((index) => table[index * steps]), pieces, table);
}

/** Slopes at both ends of every piece, or null where the pieces are straight. */
function slopesOf(kept, { curve, handles, owner }) {
  if (curve !== "catmull_rom" && curve !== "bezier") return null;
  const automatic = centripetalSlopes(kept);
  if (curve !== "bezier" || !handles) return automatic;
  const times = (handle, from, factor) =>
    handle && [factor * handle[from], factor * handle[from + 1]];
  const [first, last] = [[], []]; // of the points that count as one
  owner.forEach((one, index) => {
    first[one] ??= index;
    last[one] = index;
  });
  return automatic.map(([out, into], piece) => [
    times(handles[last[piece]], 2, 3) ?? out,
    times(handles[first[piece + 1]], 0, -3) ?? into,
  ]);
}

/** The handles that "catmull_rom" implies at each point: [inX, inY, outX, outY] in pixels. */
export function automaticHandles(points) {
  const owner = distinctOwners(points);
  const kept = points.filter((_, index) => index === 0 || owner[index] !== owner[index - 1]);
  if (kept.length === 1) return points.map(() => [0, 0, 0, 0]);
  const slopes = centripetalSlopes(kept);
  const third = ([x, y], sign) => [(sign * x) / 3, (sign * y) / 3];
  const ofKept = kept.map((_, i) => {
    const [out, into] = [slopes[i]?.[0], slopes[i - 1]?.[1]];
    return [...third(into ?? out, -1), ...third(out ?? into, 1)];
  });
  return points.map((_, index) => ofKept[owner[index]]);
}

function line(pointLengths, pieces, table) {
  return { pointLengths, pieces, table, length: table[table.length - 1] };
}

/** The position [x, y] at a distance along a line; it goes straight on beyond the ends. */
export function lineAt(measured, distance) {
  const { pieces, table, length } = measured;
  const inside = Math.min(Math.max(distance, 0), length);
  const place = tablePlace(table, inside) / Math.max(1, (table.length - 1) / pieces.length);
  const piece = Math.min(Math.floor(place), pieces.length - 1);
  const [x, y] = evaluate(pieces[piece], place - piece);
  const beyond = distance - inside;
  if (beyond === 0) return [x, y];
  const [aheadX, aheadY] = beyond < 0 ? direction(pieces[0], 0) : direction(pieces.at(-1), 1);
  return [x + beyond * aheadX, y + beyond * aheadY];
}

/** The direction at either end of a piece; without a slope of its own, to its next control point. */
function direction([, first, second, third], v) {
  const chord = [0, 1].map((axis) => first[axis] + second[axis] + third[axis]);
  const slope = [0, 1].map((axis) => first[axis] + 2 * v * second[axis] + 3 * v * v * third[axis]);
  const bend = [0, 1].map((axis) => (v === 0 ? second[axis] : -(second[axis] + 3 * third[axis])));
  const least = NO_SPEED * Math.sqrt(chord[0] * chord[0] + chord[1] * chord[1]);
  for (const [x, y] of [slope, bend, chord]) {
    const speed = Math.sqrt(x * x + y * y);
    if (speed > least) return [x / speed, y / speed];
  }
  return [0, 0];
}

/** Points [x, y] on each piece of a line, from its start to its end in `count` even steps. */
export function piecePoints({ pieces }, count) {
  return pieces.map((piece) =>
    Array.from({ length: count + 1 }, (_, i) => evaluate(piece, i / count)),
  );
}

/** The fractional index at which a nondecreasing table reaches a value. */
function tablePlace(table, value) {
  const last = table.length - 1;
  if (value >= table[last]) return last;
  let low = 0;
  let high = last;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (table[middle] <= value) low = middle;
    else high = middle;
  }
  const gap = table[high] - table[low];
  return gap > 0 ? low + (value - table[low]) / gap : low;
}

function distinctOwners(points) {
  let owner = 0;
  let [lastX, lastY] = points[0];
  return points.map(([x, y]) => {
    if (Math.max(Math.abs(x - lastX), Math.abs(y - lastY)) > SAME_POINT_PX) {
      owner += 1;
      [lastX, lastY] = [x, y];
    }
    return owner;
  });
}

/** Slopes at both ends of every piece of a centripetal Catmull-Rom curve. */
function centripetalSlopes(points) {
  const chords = chordsOf(points);
  const padded = [chords[0], ...chords, chords.at(-1)];
  const gaps = padded.map(([dx, dy]) => Math.sqrt(Math.sqrt(dx * dx + dy * dy)));
  const atPoints = points.map((_, i) =>
    [0, 1].map((axis) => {
      const around = (padded[i][axis] + padded[i + 1][axis]) / (gaps[i] + gaps[i + 1]);
      return padded[i][axis] / gaps[i] - around + padded[i + 1][axis] / gaps[i + 1];
    }),
  );
  const scaled = (slope, gap) => [slope[0] * gap, slope[1] * gap];
  return chords.map((_, i) => [
    scaled(atPoints[i], gaps[i + 1]),
    scaled(atPoints[i + 1], gaps[i + 1]),
  ]);
}

function cubicPieces(points, slopes) {
  return chordsOf(points).map((chord, i) => {
    if (!slopes) return [points[i], chord, [0, 0], [0, 0]];
    const [out, into] = slopes[i];
    const second = [0, 1].map((axis) => 3 * chord[axis] - 2 * out[axis] - into[axis]);
    const third = [0, 1].map((axis) => out[axis] + into[axis] - 2 * chord[axis]);
    return [points[i], out, second, third];
  });
}

function lengthTable(pieces, points, steps) {
  const along = pieces.flatMap((piece) =>
    Array.from({ length: steps }, (_, step) => evaluate(piece, step / steps)),
  );
  const table = [0];
  for (const [dx, dy] of chordsOf([...along, points.at(-1)])) {
    table.push(table.at(-1) + Math.sqrt(dx * dx + dy * dy));
  }
  return table;
}

function chordsOf(points) {
  return points.slice(1).map(([x, y], i) => [x - points[i][0], y - points[i][1]]);
}

function evaluate([constant, first, second, third], v) {
  return [0, 1].map(
    (axis) => constant[axis] + v * (first[axis] + v * (second[axis] + v * third[axis])),
  );
}
