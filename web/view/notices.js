/** Text over the canvas: the hint line, and badges about the picture and the last run. */

import { layerType } from "../layers/index.js";
import { toolNamed } from "../tools/index.js";
import { make, setText } from "./dom.js";
import { wordButton } from "./fields.js";

const SKETCH = "Sketch of Draft Motion";
const CAMERA_SKETCH = "Sketch. Camera layers act in Camera Path, not in Draft Motion";

const MESSAGE_MS = 8000;

/** The hint line and the badges. `canvasSize()` is the size of the picture. */
export function makeNotices({ store, actions, canvasSize }) {
  const hint = make("div", { className: "mp-hint", role: "status" });
  const sketch = make("div", { className: "mp-badge mp-badge-sketch" }, SKETCH);
  const canvasText = make("span");
  const canvas = make(
    "div",
    { className: "mp-badge mp-badge-canvas" },
    canvasText,
    wordButton("Adopt", "Take this image's shape as the one drawn on", () => actions.adoptSize(), "mp-link"),
  );
  const note = make("div", { className: "mp-badge mp-badge-note", role: "status" });
  const badges = make("div", { className: "mp-badges" }, canvas, note, sketch);
  const element = make("div", { className: "mp-notices" }, badges, hint);
  const update = () => {
    const { document, message, notes, tool, preview } = store.state;
    const isNew = !document.layers.length && !preview;
    setText(hint, message ?? (isNew ? toolNamed(tool).hint : ""));
    hint.hidden = !hint.textContent;
    const hasCamera = document.layers.some((layer) => layer.enabled !== false && layerType(layer).pictureShift);
    setText(sketch, hasCamera ? CAMERA_SKETCH : SKETCH);
    setText(note, notes.join(" "));
    note.hidden = !notes.length;
    const { drawn_on: drawn } = document;
    const now = canvasSize();
    const isOther = Math.abs((now.width / now.height) / (drawn.width / drawn.height) - 1) > 0.02;
    canvas.hidden = !isOther || !document.layers.length;
    setText(canvasText, `Drawn on ${drawn.width}×${drawn.height}, image is ${now.width}×${now.height}`);
  };
  let expiry = 0;
  store.subscribe((state, old) => {
    if (state.message !== old.message) {
      clearTimeout(expiry);
      const { message } = state;
      if (message) expiry = setTimeout(() => store.state.message === message && store.set({ message: null }), MESSAGE_MS);
    }
    const names = ["document", "message", "notes", "tool", "preview"];
    if (names.some((name) => state[name] !== old[name])) update();
  });
  update();
  return { element, update, showSketch: (isOn) => (sketch.hidden = !isOn) };
}
