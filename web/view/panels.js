/** What lies over the stage: hints, badges, the menu, questions, the keys, and trouble. */

import { TOOLS } from "../tools/index.js";
import { make, setText } from "./dom.js";
import { wordButton } from "./fields.js";

const HINTS = {
  select: "Click a motion, or draw a box around several.",
  drag: "Press on what should move and draw its way. Your timing is recorded.",
  path: "Click to place points. Enter or a double click ends the path.",
  pin: "Click what should stay, or draw around it.",
  sphere: "Drag out a ball over a head or an eye, then drag on it to turn it.",
  region: "Draw around what should move. Then move, turn or zoom it at any time.",
  camera: "Grab the scene and move the camera. Needs depth when it runs.",
  eraser: "Drag over what should go.",
};
const KEYS = [
  ["Space", "Play or pause; hold and drag to pan"],
  ["← →, Home, End", "Frame by frame, with nothing selected"],
  ["Arrows, Shift+arrows", "Nudge the selection by 1 or 10 pixels"],
  ["Delete", "Remove the point, or else the layers"],
  ["Ctrl+C, X, V, D", "Copy, cut, paste, duplicate"],
  ["Ctrl+A", "Select all"],
  ["Ctrl+Z, Ctrl+Shift+Z", "Undo, redo"],
  ["[ and ]", "Layer down, layer up"],
  ["H, K", "Leave out, lock the selection"],
  ["+ − 0", "Zoom in, out, show all"],
  ["Wheel", "Zoom, once the editor was clicked"],
  ["I, T, F", "Properties, timeline, full screen"],
  ["L, M", "Loop, moving picture"],
  ["Alt+click", "With the path tool: remove a point"],
  ["Enter", "End a path"],
  ["Esc", "Cancel the gesture, deselect"],
];

/** The hint line and the two badges. `desk` is {store, actions, size()}. */
export function makeNotices({ store, actions, size }) {
  const hint = make("div", { className: "mp-hint", role: "status" });
  const sketch = make("div", { className: "mp-badge mp-badge-sketch" }, "Sketch of Draft Motion");
  const words = make("span");
  const canvas = make(
    "div",
    { className: "mp-badge mp-badge-canvas" },
    words,
    wordButton("Adopt", "Take this picture's shape as the one drawn on", () => actions.adoptSize(), "mp-link"),
  );
  const element = make("div", { className: "mp-notices" }, make("div", { className: "mp-badges" }, canvas, sketch), hint);
  const update = () => {
    const { document, message, tool, preview } = store.state;
    const isNew = !document.layers.length && !preview;
    setText(hint, message ?? (isNew ? HINTS[tool] : ""));
    hint.hidden = !hint.textContent;
    const { drawn_on: drawn } = document;
    const now = size();
    const isOther = Math.abs((now.width / now.height) / (drawn.width / drawn.height) - 1) > 0.02;
    canvas.hidden = !isOther || !document.layers.length;
    setText(words, `Drawn on ${drawn.width}×${drawn.height}, picture is ${now.width}×${now.height}`);
  };
  store.subscribe((state, old) => {
    if (["document", "message", "tool", "preview"].some((name) => state[name] !== old[name])) update();
  });
  update();
  return { element, update, showSketch: (isOn) => (sketch.hidden = !isOn) };
}

/** A panel over the stage with words and buttons; `close()` takes it away. */
export function makeSheet(className, ...children) {
  const element = make("div", { className: `mp-sheet ${className}`, role: "dialog" }, children);
  return { element, close: () => element.remove() };
}

/** Asks before something is lost. */
export function askSheet(question, yes, onYes) {
  const sheet = makeSheet(
    "mp-ask",
    make("p", {}, question),
    make("div", { className: "mp-answers" }, [
      wordButton("Cancel", "", () => sheet.close()),
      wordButton(yes, "", () => {
        sheet.close();
        onYes();
      }, "mp-word mp-danger"),
    ]),
  );
  return sheet;
}

/** A motion text that cannot be shown: its message, and what the person may do. */
export function troubleSheet(message, { onKeep, onAnew }) {
  return makeSheet(
    "mp-trouble",
    make("h4", {}, "This motion cannot be edited here"),
    make("p", {}, message),
    make("p", { className: "mp-quiet" }, "Its text is kept as it is until you decide."),
    make("div", { className: "mp-answers" }, [
      wordButton("Keep text", "Leave the text as it is; the editor stays closed", onKeep),
      wordButton("Start anew", "Replace the text by an empty drawing", onAnew, "mp-word mp-danger"),
    ]),
  );
}

/** All keys. */
export function keysSheet() {
  const tools = TOOLS.map(({ key, label }) => [key.toUpperCase(), label]);
  const rows = [...tools, ...KEYS].map(([key, what]) =>
    make("div", { className: "mp-key-row" }, make("kbd", {}, key), make("span", {}, what)),
  );
  const sheet = makeSheet(
    "mp-keys",
    make("h4", {}, "Keys"),
    make("div", { className: "mp-key-rows" }, rows),
    wordButton("Close", "Esc", () => sheet.close()),
  );
  return sheet;
}

/** The menu of what is done seldom: [[label, title, action], ...]. */
export function menuSheet(entries) {
  const sheet = makeSheet(
    "mp-menu",
    entries.map(([label, title, action]) =>
      wordButton(label, title, () => {
        sheet.close();
        action();
      }, "mp-entry"),
    ),
  );
  return sheet;
}
