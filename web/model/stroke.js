/**
 * Recording the pointer with its real timing: shared by the freehand drag, the spin of a sphere
 * and the camera grab.
 */

import { distance } from "./geometry.js";
import { simplifyStroke, smoothStroke } from "./simplify.js";
import { round } from "./document.js";
import { toView } from "./viewport.js";

const SHORTEST_PX = 3;
const LAST_START = 0.98;

/** A recording that begins where the pointer went down. */
export function beginStroke({ point, seconds }) {
  return { began: seconds, points: [[0, ...point]] };
}

/** The recording with one more position. */
export function growStroke(stroke, { point, seconds }) {
  const elapsed = Math.max(seconds - stroke.began, stroke.points.at(-1)[0]);
  return { ...stroke, points: [...stroke.points, [elapsed, ...point]] };
}

/** Whether the pointer has moved far enough for the recording to be meant. */
export function isMeant(stroke, view) {
  const start = toView(view, stroke.points[0].slice(1));
  return stroke.points.some((point) => distance(toView(view, point.slice(1)), start) > SHORTEST_PX);
}

/**
 * The recording as fields of a layer: points with times 0..1 and the window they fill.
 *
 * The window starts at the playhead and lasts as long as the drawing did; where the clip is too
 * short for that, the drawing is played faster so that nothing is cut off.
 */
export function strokeFields(stroke, { time, clipSeconds, size }) {
  const duration = stroke.points.at(-1)[0];
  const start = time > LAST_START ? 0 : time;
  const length = Math.max(duration / clipSeconds, 0.01);
  const points = smoothStroke(stroke.points).map(([t, x, y]) => [duration > 0 ? t / duration : 0, x, y]);
  return {
    points: simplifyStroke(points, size),
    curve: "recorded",
    start: round(start),
    end: round(Math.min(start + length, 1)),
  };
}
