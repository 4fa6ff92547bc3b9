/** Plane geometry of the editor: points are [x, y]. */

/** Distance between two points. */
export function distance([ax, ay], [bx, by]) {
  return Math.hypot(bx - ax, by - ay);
}

/** Distance from a point to the segment between two others. */
export function distanceToSegment(point, from, to) {
  const fraction = Math.min(Math.max(projection(point, from, to), 0), 1);
  return distance(point, mix(from, to, fraction));
}

/** How far along a segment a point projects: 0 at its start, 1 at its end. */
export function projection([x, y], [ax, ay], [bx, by]) {
  const length = (bx - ax) ** 2 + (by - ay) ** 2;
  return length > 0 ? ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length : 0;
}

/** The point at a fraction of the segment between two others. */
export function mix([ax, ay], [bx, by], fraction) {
  return [ax + fraction * (bx - ax), ay + fraction * (by - ay)];
}

/** Whether a point lies inside a polygon: even-odd, left and top edges in, right and bottom out. */
export function isInside([x, y], polygon) {
  let inside = false;
  polygon.forEach((corner, i) => {
    const next = polygon[(i + 1) % polygon.length];
    const [upper, lower] = corner[1] <= next[1] ? [corner, next] : [next, corner];
    if (y < upper[1] || y >= lower[1]) return;
    if (x < edgeX(upper, lower, y)) inside = !inside;
  });
  return inside;
}

/** Where an edge that is not level is at a height, the same whichever end comes first. */
export function edgeX([x0, y0], [x1, y1], y) {
  return x0 + (y - y0) * ((x1 - x0) / (y1 - y0));
}

/** The centroid of a polygon; where crossing loops leave it outside the box, the mean corner. */
export function centroid(polygon) {
  const { left, top, right, bottom } = bounds(polygon);
  let [area, x, y] = [0, 0, 0];
  polygon.forEach((corner, i) => {
    const next = polygon[(i + 1) % polygon.length];
    const [ax, ay, bx, by] = [corner[0] - left, corner[1] - top, next[0] - left, next[1] - top];
    const cross = ax * by - bx * ay;
    area += cross;
    x += (ax + bx) * cross;
    y += (ay + by) * cross;
  });
  const center = [left + x / (3 * area), top + y / (3 * area)];
  const isSound = Math.abs(area) > 1e-9 * (right - left) * (bottom - top);
  if (isSound && isInBox(center, { left, top, right, bottom })) return center;
  const mean = (axis) => polygon.reduce((sum, corner) => sum + corner[axis], 0) / polygon.length;
  return [mean(0), mean(1)];
}

/** The smallest box {left, top, right, bottom} around points, or null for none. */
export function bounds(points) {
  if (!points.length) return null;
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  return {
    left: Math.min(...xs),
    top: Math.min(...ys),
    right: Math.max(...xs),
    bottom: Math.max(...ys),
  };
}

/** Whether a point lies in a box. */
export function isInBox([x, y], { left, top, right, bottom }) {
  return x >= left && x <= right && y >= top && y <= bottom;
}
