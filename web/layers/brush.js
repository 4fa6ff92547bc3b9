/** The brush of drags: what it is where nothing is said, and its size. */

import { round } from "../model/document.js";

export const DEFAULT_BRUSH = { radius: 0.06, spacing: 0.02, shape: "round", falloff: "rigid" };

/** The largest radius that the inspector offers, of the short side. */
export const MOST_RADIUS = 0.4;
const LEAST_SCALED = 0.005; // a brush without radius would stay one for ever

/** A brush of another radius, within what its field in the inspector allows. */
export function scaledBrush(brush, factor) {
  const { radius } = { ...DEFAULT_BRUSH, ...brush };
  const wanted = Math.max(radius, LEAST_SCALED) * factor;
  return { ...brush, radius: round(Math.min(Math.max(wanted, LEAST_SCALED), MOST_RADIUS)) };
}
