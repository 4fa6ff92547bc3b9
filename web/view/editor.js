/**
 * The motion editor as one element. It knows nothing of ComfyUI: its owner gives it a text, a
 * picture and a clip, and receives the new text once per gesture.
 */

import { readDocument } from "../layers/read_document.js";
import { emptyDocument, writeDocument } from "../model/document.js";
import { makeStore } from "../model/store.js";
import { NO_THINGS, readThings } from "../model/things.js";
import { FIRST_TOOL } from "../tools/index.js";
import { makeActions } from "./actions.js";
import { makeBackground } from "./background.js";
import { makeCommands } from "./commands.js";
import { makeCompositor } from "./compositor.js";
import { loadErrorDialog } from "./dialogs.js";
import { make } from "./dom.js";
import { listenToClipboard, listenToDrops } from "./exchange.js";
import { makeFullscreen } from "./fullscreen.js";
import { makeInspector } from "./inspector.js";
import { listenToKeys } from "./keyboard.js";
import { makeNotices } from "./notices.js";
import { makePlayback } from "./playback.js";
import { makeSplitter } from "./splitter.js";
import { addStyle } from "./style.js";
import { makeTimeline } from "./timeline.js";
import { makeToolbar } from "./toolbar.js";
import { makeTransport } from "./transport.js";

const JUST_NOW_MS = 300;
const UPRIGHT = 0.95; // height over width from which a picture stands beside the timeline
const FIRST_SIZE = { width: 832, height: 480 };
const KEPT = [
  ...["time", "tool", "selection", "drawing", "settings"],
  ...["isLooping", "showsSketch", "showsMarks", "isSnapping", "panels"],
];
const START = {
  tool: FIRST_TOOL,
  isLooping: true,
  showsSketch: true,
  showsMarks: true,
  isSnapping: false,
  loadError: null,
  point: null,
  notes: [],
  things: NO_THINGS,
  panels: { inspector: false, timeline: true },
};

/**
 * `onCommit(text)`: the drawing changed. `onPictureFile(file)`: a picture was dropped or pasted.
 * `onWheelUnused(event)`: the wheel turned over an editor that has no focus.
 */
export function createEditor({
  onCommit = () => {},
  onPictureFile = () => {},
  onWheelUnused = () => {},
} = {}) {
  addStyle();
  const body = make("div", { className: "mp-body", tabIndex: 0, data: { captureWheel: "true" } });
  const element = make("div", { className: "mp-editor" }, body);
  const controller = new AbortController();
  // What the owner gave: text is what it holds.
  const source = { clip: FIRST_SIZE, background: null, text: null };
  const canvasSize = () => source.background?.size ?? source.clip;
  const store = makeEditorStore({ source, canvasSize, onCommit });
  const background = () => source.background;
  const parts = makeParts({ store, body, element, canvasSize, background, onWheelUnused });
  layOut(parts, store, body);
  const focus = watchFocus(body);
  listen(body, { ...parts, store }, onPictureFile, controller.signal);
  return {
    element,
    focus: () => body.focus({ preventScroll: true }),
    get hasFocus() {
      return focus.isHere();
    },
    /** Whether it has the focus, or lost it just now by being taken off the page. */
    get hadFocus() {
      return focus.wasHere();
    },
    get text() {
      return source.text;
    },
    ...makeInputs({ ...parts, store, source, body, canvasSize }),
    /** What a new editor for the same node should continue with. */
    session: () => ({
      state: Object.fromEntries(KEPT.map((name) => [name, store.state[name]])),
      isFullscreen: parts.fullscreen.isOpen,
    }),
    resume({ state, isFullscreen }) {
      store.set(state);
      if (isFullscreen) parts.fullscreen.open();
    },
    destroy() {
      controller.abort();
      destroy(parts);
    },
  };
}

/** The store of a new editor; what it commits becomes the owner's text. */
function makeEditorStore({ source, canvasSize, onCommit }) {
  const store = makeStore({
    size: FIRST_SIZE,
    prepare: (document) => onCanvas(document, canvasSize()),
    onCommit(document) {
      source.text = writeDocument(document);
      if (store.state.notes.length) store.set({ notes: [] });
      onCommit(source.text);
    },
  });
  store.set(START);
  return store;
}

function destroy({ playback, fullscreen, timeline, compositor }) {
  playback.stop();
  fullscreen.close();
  timeline.destroy();
  compositor.destroy();
}

/** The parts of the editor, each given what it uses. */
function makeParts({ store, body, element, canvasSize, background, onWheelUnused }) {
  const isReadOnly = () => store.state.loadError !== null;
  const actions = makeActions({ store, canvasSize, isReadOnly });
  const playback = makePlayback({ store });
  const compositor = makeCompositor({
    ...{ store, body, canvasSize, isReadOnly, background, onWheelUnused },
    onReadout: (text) => transport.setReadout(text),
    onWarped: (isOn) => notices.showSketch(isOn),
  });
  const { canvasView, gestures } = compositor;
  const fullscreen = makeFullscreen(element, body, (isOn) => {
    body.classList.toggle("mp-wide", isOn);
    body.focus({ preventScroll: true });
    canvasView.fit();
  });
  const commands = makeCommands({ store, body, actions, canvasView, gestures, fullscreen });
  const notices = makeNotices({ store, actions, canvasSize });
  const toolbar = makeToolbar({ store, gestures, actions, commands });
  const transport = makeTransport({ store, playback, commands });
  const timeline = makeTimeline({ store, actions, playback, isReadOnly });
  const inspector = makeInspector({ store, actions, canvasSize });
  return {
    ...{ actions, playback, compositor, canvasView, gestures, fullscreen, commands },
    ...{ notices, toolbar, transport, timeline, inspector },
  };
}

function layOut({ canvasView, notices, toolbar, transport, timeline, inspector }, store, body) {
  canvasView.element.append(notices.element);
  const splitter = makeSplitter({ body, timeline: timeline.element });
  const rows = [toolbar, canvasView, inspector, transport, splitter, timeline];
  body.append(...rows.map(({ element }) => element));
  const show = ({ panels }) => {
    inspector.element.hidden = !panels.inspector;
    timeline.element.hidden = splitter.element.hidden = !panels.timeline;
  };
  show(store.state);
  store.subscribe((state, old) => state.panels !== old.panels && show(state));
}

function listen(body, editor, onPictureFile, signal) {
  const { actions, commands } = editor;
  // Older Nodes 2.0 would drag the node along with whatever is pressed in it.
  for (const name of ["pointerdown", "pointermove", "pointerup"]) {
    body.addEventListener(name, (event) => event.stopPropagation());
  }
  keepTouches(body, signal);
  listenToKeys(body, editor, signal);
  listenToClipboard(body, { actions, onPictureFile }, signal);
  listenToDrops(body, { onPictureFile, onMotionText: commands.importText }, signal);
}

/** The host zooms its graph by two fingers wherever they are; over the editor it must not. */
function keepTouches(body, signal) {
  const keep = (event) => body.contains(event.target) && event.stopPropagation();
  for (const name of ["touchstart", "touchmove", "touchend", "touchcancel"]) {
    window.addEventListener(name, keep, { capture: true, passive: true, signal });
  }
}

/** Whether the focus is in `body`, now and just before. */
function watchFocus(body) {
  let lostAt = -Infinity;
  body.addEventListener("focusout", ({ target }) => {
    lostAt = performance.now();
    // A button that is redrawn takes the focus with it, and the keys would go to the host.
    setTimeout(() => {
      const isLost = !target.isConnected && document.activeElement === document.body;
      if (isLost) body.focus({ preventScroll: true });
    });
  });
  const isHere = () => body.contains(document.activeElement);
  return { isHere, wasHere: () => isHere() || performance.now() - lostAt < JUST_NOW_MS };
}

/** What the owner sets: the text, the picture, the clip, and the notes of the last run. */
function makeInputs(editor) {
  const { store, source, compositor, notices, body, canvasSize } = editor;
  const resize = () => {
    const { width, height } = canvasSize();
    body.classList.toggle("mp-upright", height > UPRIGHT * width);
    compositor.resize();
    notices.update();
  };
  const load = makeLoader(editor);
  return {
    /** Shows a motion text. One that cannot be read is kept, and its error is shown. */
    setText(text) {
      if (text === source.text) return;
      source.text = text;
      load(text);
    },
    setPicture(picture) {
      source.background = makeBackground(picture);
      resize();
    },
    setClip({ frames, fps, width, height }) {
      const { clip: old } = store.state;
      if (width > 0 && height > 0) source.clip = { width, height };
      const next = { frames: Math.max(1, frames ?? old.frames), fps: fps > 0 ? fps : 16 };
      if (next.frames !== old.frames || next.fps !== old.fps) store.set({ clip: next });
      resize();
    },
    /** Shows sentences about the last run until the drawing changes. */
    setNotes: (notes) => store.set({ notes }),
    /** Takes what a run has cut out of the picture for drags (web/model/things.js). */
    setThings: (reported) => store.set({ things: readThings(reported) }),
  };
}

/** A function that loads a text into the store, with a dialog where it cannot be read. */
function makeLoader({ store, actions, gestures, canvasView, canvasSize }) {
  let dialog = null;
  const offerChoice = (message) => {
    dialog = loadErrorDialog(message, {
      onKeep: () => dialog.close(),
      onStartEmpty() {
        dialog.close();
        actions.startEmpty();
      },
    });
    canvasView.element.append(dialog.element);
  };
  return (text) => {
    dialog?.close();
    gestures.cancelGesture();
    try {
      store.load(text?.trim() ? readDocument(text) : emptyDocument(canvasSize()));
      store.set({ loadError: null, notes: [] });
    } catch (error) {
      store.load(emptyDocument(canvasSize()));
      store.set({ loadError: error.message, notes: [] });
      offerChoice(error.message);
    }
  };
}

/** A drawing with nothing on it belongs to whatever picture is there. */
function onCanvas(document, { width, height }) {
  return document.layers.length ? document : { ...document, drawn_on: { width, height } };
}
