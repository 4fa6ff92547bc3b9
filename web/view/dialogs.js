/** Dialogs over the canvas: confirmation, a load error, the keys, the menu. */

import { TOOLS } from "../tools/index.js";
import { make } from "./dom.js";
import { wordButton } from "./fields.js";

const KEYS = [
  ["Space", "Play or pause; hold and drag to pan"],
  ["← →, Home, End", "Frame by frame, with nothing selected"],
  ["Arrows, Shift+arrows", "Move the selection by 1 or 10 pixels"],
  ["Delete", "Remove the point, or else the layers"],
  ["Ctrl+C, X, V, D", "Copy, cut, paste, duplicate"],
  ["Ctrl+A", "Select all"],
  ["Ctrl+Z, Ctrl+Shift+Z", "Undo, redo"],
  ["[ and ]", "Layer down, layer up"],
  ["H, K", "Leave out, lock the selection"],
  ["+ − 0", "Zoom in, out, show all"],
  ["Wheel", "Zoom, once the editor was clicked"],
  ["I, T, F", "Properties, timeline, full screen"],
  ["L, M, O", "Loop, moving image, marks on the image"],
  ["W", "Stretch the selection over the whole clip"],
  ["Y, U", "Copy the timing, give it to the selection"],
  ["G", "Grid, and snapping to it, to points and to the middle; Ctrl suspends it"],
  ["B", "Hold the rest still, or let it go"],
  [", and .", "Smaller, larger brush; or Alt+drag"],
  ["Page Up, Page Down", "The next point of a path and its handles"],
  ["J, double click", "A smooth point becomes a corner, and back"],
  ["Alt+click", "With the path tool: remove a point"],
  ["Alt+drag", "Pull handles out of a point, or part them"],
  ["Enter", "End a path"],
  ["Esc", "Cancel the gesture, deselect"],
];

/** A panel with text and buttons; `close()` removes it. */
export function makeDialog(className, ...children) {
  const element = make("div", { className: `mp-panel ${className}`, role: "dialog" }, children);
  return { element, close: () => element.remove() };
}

/** Asks for confirmation before something is lost. */
export function confirmDialog(question, yes, onYes) {
  const dialog = makeDialog(
    "mp-ask",
    make("p", {}, question),
    make("div", { className: "mp-answers" }, [
      wordButton("Cancel", "", () => dialog.close()),
      wordButton(yes, "", () => {
        dialog.close();
        onYes();
      }, "mp-word mp-danger"),
    ]),
  );
  return dialog;
}

/** The message of a motion text that cannot be read, and the choice to keep or replace it. */
export function loadErrorDialog(message, { onKeep, onStartEmpty }) {
  return makeDialog(
    "mp-load-error",
    make("h4", {}, "This motion cannot be edited here"),
    make("p", {}, message),
    make("p", { className: "mp-quiet" }, "Its text is kept as it is until you decide."),
    make("div", { className: "mp-answers" }, [
      wordButton("Keep text", "Leave the text as it is; the editor stays closed", onKeep),
      wordButton("Start over", "Replace the text by an empty drawing", onStartEmpty, "mp-word mp-danger"),
    ]),
  );
}

/** All keys. */
export function keysDialog() {
  const tools = TOOLS.map(({ key, label }) => [key.toUpperCase(), label]);
  const rows = [...tools, ...KEYS].map(([key, what]) =>
    make("div", { className: "mp-key-row" }, make("kbd", {}, key), make("span", {}, what)),
  );
  const dialog = makeDialog(
    "mp-keys",
    make("h4", {}, "Keys"),
    make("div", { className: "mp-key-rows" }, rows),
    wordButton("Close", "Esc", () => dialog.close()),
  );
  return dialog;
}

/** The menu: [[label, title, action], ...]. */
export function menuDialog(entries) {
  const dialog = makeDialog(
    "mp-menu",
    entries.map(([label, title, action]) =>
      wordButton(label, title, () => {
        dialog.close();
        action();
      }, "mp-entry"),
    ),
  );
  return dialog;
}
