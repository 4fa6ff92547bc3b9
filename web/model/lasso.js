/** Drawing around an area: shared by pins and regions. */

import { distance } from "./geometry.js";
import { simplifyStroke } from "./simplify.js";
import { toView } from "./viewport.js";

const SMALLEST_PX = 8;
const TOLERANCE_PX = 1.5;

/** A loop that begins where the pointer went down. */
export function beginLasso({ point }) {
  return [point];
}

/** The loop with one more position. */
export function growLasso(lasso, { point }) {
  return [...lasso, point];
}

/** The loop as a polygon of few corners, or null while it encloses nothing worth having. */
export function lassoPolygon(lasso, view) {
  const start = toView(view, lasso[0]);
  const reach = Math.max(...lasso.map((point) => distance(toView(view, point), start)));
  if (lasso.length < 3 || reach < SMALLEST_PX) return null;
  // Untimed: every corner counts by its distance from the line alone.
  const length = lasso.map((_, i) => (i ? distance(toView(view, lasso[i - 1]), toView(view, lasso[i])) : 0));
  let along = 0;
  const walked = lasso.map((point, i) => [(along += length[i]), ...point]);
  const corners = simplifyStroke(walked, view.size, TOLERANCE_PX / view.scale);
  return corners.length < 3 ? null : corners.map(([, x, y]) => [x, y]);
}
