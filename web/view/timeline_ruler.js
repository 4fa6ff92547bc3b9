/** The ruler of frames, and scrubbing on it. */

import { make } from "./dom.js";

const STEPS = [1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000];
const MOST_LABELS = 9;
const LAST_LABEL = 0.96; // beyond it a number would be cut off

/** The ruler; dragging on it moves the playhead. */
export function makeRuler({ store, playback }) {
  const scale = make("div", { className: "mp-scale", title: "Drag to scrub" });
  const corner = make("div", { className: "mp-corner" }, "Layers");
  const element = make("div", { className: "mp-ruler" }, corner, scale);

  const timeAt = ({ clientX }) => {
    const { left, width } = scale.getBoundingClientRect();
    return (clientX - left) / (width || 1);
  };
  const update = () => {
    const last = Math.max(store.state.clip.frames - 1, 1);
    const step = STEPS.find((count) => last / count <= MOST_LABELS) ?? 2000;
    const marks = [];
    for (let frame = 0; frame <= last; frame += step) {
      marks.push(make("span", { style: { left: `${(frame / last) * 100}%` } }, frame / last < LAST_LABEL ? String(frame) : ""));
    }
    scale.replaceChildren(...marks);
  };

  scale.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    scale.setPointerCapture(event.pointerId);
    playback.seek(timeAt(event));
  });
  scale.addEventListener("pointermove", (event) => {
    if (scale.hasPointerCapture(event.pointerId)) playback.seek(timeAt(event));
  });
  update();
  return { element, timeAt, update };
}
