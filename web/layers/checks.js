/** Checks of fields that several types of layer share. Each throws Error with a sentence. */

/** Refuses points that are not a list of [time, x, y] with at least one entry. */
export function checkTimedPoints(layer, name) {
  const points = layer.points ?? [];
  checkList(points, name);
  if (!points.length) throw new Error(`${name} has no points.`);
  for (const point of points) {
    const isTimed = Array.isArray(point) && (point[0] === null || Number.isFinite(point[0]));
    if (!isTimed) throw new Error(`A point of ${name} is not [time, x, y].`);
    checkPair(point.slice(1), `A point of ${name}`);
  }
}

/** Refuses points that are not a list of [x, y]. */
export function checkPoints(layer, name) {
  const points = layer.points ?? [];
  checkList(points, name);
  points.forEach((point) => checkPair(point, `A point of ${name}`));
}

/** Refuses a value that is not two numbers; `what` begins the sentence. */
export function checkPair(pair, what) {
  if (!Array.isArray(pair) || pair.length !== 2 || !pair.every(Number.isFinite)) {
    throw new Error(`${what} is not a pair of numbers.`);
  }
}

function checkList(points, name) {
  if (!Array.isArray(points)) throw new Error(`The points of ${name} are not a list.`);
}
