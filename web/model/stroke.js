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
const LEAST_SECONDS = 1; // a flick of a tenth of a second would be over in two frames

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

/** Whether a recording is so quick that it is slowed down to last a second. */
export function isFlick(stroke, { clipSeconds, settings }) {
  const duration = stroke.points.at(-1)[0];
  return settings.pacing !== "clip" && duration < LEAST_SECONDS && clipSeconds > LEAST_SECONDS;
}

/**
 * The recording as fields of a layer: points with times 0..1 and the window they fill.
 *
 * The window starts at the playhead and lasts as long as the drawing did, a second at least; with
 * the pacing "clip" it lasts to the end. Where the clip is too short, the drawing is played faster
 * so that nothing is cut off.
 */
export function strokeFields(stroke, { time, clipSeconds, size, settings }) {
  const duration = stroke.points.at(-1)[0];
  const start = time > LAST_START ? 0 : time;
  const isWhole = settings.pacing === "clip";
  const length = isWhole ? 1 : Math.max(duration, LEAST_SECONDS) / clipSeconds;
  const points = smoothStroke(stroke.points).map(([t, x, y]) => [duration > 0 ? t / duration : 0, x, y]);
  return {
    points: simplifyStroke(points, size),
    curve: "recorded",
    start: round(start),
    end: round(Math.min(start + length, 1)),
  };
}
