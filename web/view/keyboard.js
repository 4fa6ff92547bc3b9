/** Keys to commands. Keys that the editor uses do not reach the host; undo does between gestures. */

import { TOOLS } from "../tools/index.js";

const TOOL_KEYS = new Map(TOOLS.map(({ key, name }) => [key, name]));
const BRUSH_STEP = 1.15; // factor of the brush's radius for each press
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Listens on the editor's element. `editor` is {store, actions, playback, gestures, commands,
 * canvasView}.
 */
export function listenToKeys(element, editor, signal) {
  const { canvasView, playback } = editor;
  let isSpaceHeld = false;
  element.addEventListener("keydown", (event) => {
    if (isTyping(event.target)) {
      if (event.key !== "Escape") event.stopPropagation();
      return;
    }
    if (event.key === " ") {
      if (!event.repeat) isSpaceHeld = true;
      canvasView.isPanning = true;
      consume(event);
      return;
    }
    const act = commandOf(event, editor);
    if (!act || act(event) === false) return;
    consume(event);
  }, { signal });
  element.addEventListener("keyup", (event) => {
    if (event.key !== " " || isTyping(event.target)) return;
    const { wasPanned } = canvasView;
    canvasView.isPanning = canvasView.wasPanned = false;
    if (isSpaceHeld && !wasPanned) playback.toggle();
    isSpaceHeld = false;
    consume(event);
  }, { signal });
}

/** Whether keys belong to a text field. */
export function isTyping(target) {
  return target instanceof HTMLInputElement && !["range", "color", "checkbox"].includes(target.type);
}

function consume(event) {
  event.preventDefault();
  event.stopPropagation();
}

function commandOf(event, editor) {
  const { key } = event;
  if (event.ctrlKey || event.metaKey) return withControl(key.toLowerCase(), editor);
  if (ARROWS[key]) return () => arrow(ARROWS[key], event.shiftKey, editor);
  if (event.altKey) return null;
  const tool = TOOL_KEYS.get(key.toLowerCase());
  if (tool) return () => editor.gestures.setTool(tool);
  return plain(key, editor);
}

/** Copy, cut and paste arrive as clipboard events, so that the system's clipboard takes part. */
function withControl(key, { actions, gestures }) {
  // An undo by the host would make a new node under a pressed pointer.
  if (key === "z" || key === "y") return () => {
      if (!gestures.isUnderWay) return false;
      gestures.cancelGesture();
      return true;
    };
  return { a: () => actions.selectAll(), d: () => actions.duplicate() }[key] ?? null;
}

function plain(key, { store, actions, playback, gestures, commands, canvasView }) {
  const chosen = () => [...store.state.selection];
  const commandsByKey = {
    Escape: () => commands.escape(),
    Enter: (event) => gestures.key(event),
    Delete: () => actions.remove(),
    Backspace: () => actions.remove(),
    Home: () => playback.seek(0),
    End: () => playback.seek(1),
    "[": () => actions.reorder(-1),
    "]": () => actions.reorder(1),
    "+": () => canvasView.zoom(1.25),
    "=": () => canvasView.zoom(1.25),
    "-": () => canvasView.zoom(0.8),
    0: () => canvasView.fit(),
    "?": () => commands.showKeys(),
    f: () => commands.toggleFullscreen(),
    g: () => commands.toggleSnapping(),
    h: () => actions.change(chosen(), (layer) => ({ enabled: layer.enabled === false })),
    i: () => commands.toggleInspector(),
    k: () => actions.change(chosen(), (layer) => ({ locked: !layer.locked })),
    l: () => commands.toggleLoop(),
    m: () => commands.toggleSketch(),
    o: () => commands.toggleMarks(),
    b: () => actions.toggleRest(),
    ",": () => actions.sizeBrush(1 / BRUSH_STEP),
    ".": () => actions.sizeBrush(BRUSH_STEP),
    t: () => commands.toggleTimeline(),
    w: () => actions.fillClip(),
    y: () => actions.copyTiming(),
    u: () => actions.pasteTiming(),
    j: () => actions.togglePoint(),
    PageDown: () => actions.choosePoint(1),
    PageUp: () => actions.choosePoint(-1),
  };
  return commandsByKey[key] ?? commandsByKey[key.toLowerCase()] ?? null;
}

function arrow([dx, dy], isFar, { store, actions, playback }) {
  const step = isFar ? 10 : 1;
  if (store.state.selection.size) actions.moveBy(dx * step, dy * step);
  else if (dx) playback.step(dx * step);
  else return false;
  return true;
}
