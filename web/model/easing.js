/**
 * How motion speeds up and slows down: the twin of motion_core/document/easing.py, step by step.
 */

const PRESETS = {
  ease_in: [0.42, 0, 1, 1],
  ease_out: [0, 0, 0.58, 1],
  ease_in_out: [0.42, 0, 0.58, 1],
};
const HALVINGS = 60;

/** The fraction of motion done when the fraction `u` of the time has passed; u is clamped to 0..1. */
export function easeValue(easing, u) {
  const fraction = Math.min(Math.max(u, 0), 1);
  if (easing === "linear" || fraction === 0 || fraction === 1) return fraction;
  const handles = typeof easing === "string" ? PRESETS[easing] : easing;
  if (!handles) throw new RangeError(`easing must be a known name or four numbers; got ${easing}`);
  const [x1, y1, x2, y2] = handles;
  let low = 0;
  let high = 1;
  for (let halving = 0; halving < HALVINGS; halving += 1) {
    const middle = 0.5 * (low + high);
    if (bezier(x1, x2, middle) < fraction) low = middle;
    else high = middle;
  }
  return bezier(y1, y2, 0.5 * (low + high));
}

/** The four handle numbers of an easing, for drawing it; null for "linear". */
export function easingHandles(easing) {
  if (easing === "linear") return null;
  return typeof easing === "string" ? PRESETS[easing] : easing;
}

function bezier(first, second, s) {
  const rest = 1 - s;
  return 3 * first * s * rest * rest + 3 * second * s * s * rest + s * s * s;
}
