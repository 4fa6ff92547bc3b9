/**
 * The motion editor as one element. It knows nothing of ComfyUI: its owner gives it a text, a
 * picture and a clip, and is told the new text once per gesture.
 */

import { emptyDocument, readDocument, writeDocument } from "../model/document.js";
import { makeStore } from "../model/store.js";
import { makeActions } from "./actions.js";
import { makeBackground } from "./background.js";
import { makeCommands } from "./commands.js";
import { make } from "./dom.js";
import { listenToClipboard, listenToDrops } from "./exchange.js";
import { makeFullscreen } from "./fullscreen.js";
import { makeGestures } from "./gestures.js";
import { makeInspector } from "./inspector.js";
import { listenToKeys } from "./keyboard.js";
import { makeNotices, troubleSheet } from "./panels.js";
import { makePlayback } from "./playback.js";
import { makeSurface } from "./surface.js";
import { addStyle } from "./style.js";
import { makeTimeline } from "./timeline.js";
import { makeToolbar } from "./toolbar.js";
import { makeTransport } from "./transport.js";

const JUST_NOW_MS = 300;
const FIRST_SIZE = { width: 832, height: 480 };
const KEPT = ["time", "tool", "selection", "settings", "isLooping", "showsSketch", "panels"];

/**
 * `onCommit(text)`: the drawing changed. `onPictureFile(file)`: a picture was dropped or pasted.
 * `onWheelUnused(event)`: the wheel turned over an editor that has no focus.
 */
export function createEditor({ onCommit = () => {}, onPictureFile = () => {}, onWheelUnused = () => {} } = {}) {
  addStyle();
  const body = make("div", { className: "mp-body", tabIndex: 0, data: { captureWheel: "true" } });
  const element = make("div", { className: "mp-editor" }, body);
  const controller = new AbortController();
  let clip = FIRST_SIZE;
  let background = null;
  let text = null; // what the owner holds
  let lostFocusAt = -Infinity;
  // Older Nodes 2.0 would drag the node along with whatever is pressed in it.
  for (const name of ["pointerdown", "pointermove", "pointerup"]) {
    body.addEventListener(name, (event) => event.stopPropagation());
  }
  body.addEventListener("focusout", ({ target }) => {
    lostFocusAt = performance.now();
    // A button that is redrawn takes the focus with it, and the keys would go to the host.
    setTimeout(() => !target.isConnected && document.activeElement === document.body && body.focus({ preventScroll: true }));
  });
  const desk = { size: () => background?.size ?? clip, isReadOnly: () => store.state.trouble !== null, body };
  const store = makeStore({
    size: FIRST_SIZE,
    prepare: (document) => onCanvas(document, desk.size()),
    onCommit(document) {
      text = writeDocument(document);
      onCommit(text);
    },
  });
  store.set({ tool: "drag", ...START });
  assemble(desk, { store, background: () => background, element, onWheelUnused });
  layOut(desk, body);
  keepTouches(body, controller.signal);
  listenToKeys(body, desk, controller.signal);
  listenToClipboard(body, { actions: desk.actions, onPictureFile }, controller.signal);
  listenToDrops(body, { onPictureFile, onMotionText: desk.commands.importText }, controller.signal);

  return {
    element,
    focus: () => body.focus({ preventScroll: true }),
    get hasFocus() {
      return body.contains(document.activeElement);
    },
    /** Whether it has the focus, or lost it just now by being taken off the page. */
    get hadFocus() {
      return body.contains(document.activeElement) || performance.now() - lostFocusAt < JUST_NOW_MS;
    },
    get text() {
      return text;
    },
    /** Shows a motion text. One that cannot be read is kept and said so. */
    setText(next) {
      if (next === text) return;
      text = next;
      showText(desk, next);
    },
    setPicture(source) {
      background = makeBackground(source);
      desk.surface.resize();
      desk.notices.update();
    },
    setClip({ frames, fps, width, height }) {
      const { clip: old } = store.state;
      if (width > 0 && height > 0) clip = { width, height };
      const next = { frames: Math.max(1, frames ?? old.frames), fps: fps > 0 ? fps : 16 };
      if (next.frames !== old.frames || next.fps !== old.fps) store.set({ clip: next });
      desk.surface.resize();
      desk.notices.update();
    },
    /** What a new editor for the same node should go on with. */
    session: () => Object.fromEntries(KEPT.map((name) => [name, store.state[name]])),
    resume: (session) => store.set(session),
    destroy() {
      controller.abort();
      desk.playback.stop();
      desk.fullscreen.close();
      desk.timeline.destroy();
      desk.surface.destroy();
    },
  };
}

/** The host zooms its graph by two fingers wherever they are; on the editor they are the editor's. */
function keepTouches(body, signal) {
  const keep = (event) => body.contains(event.target) && event.stopPropagation();
  for (const name of ["touchstart", "touchmove", "touchend", "touchcancel"]) {
    window.addEventListener(name, keep, { capture: true, passive: true, signal });
  }
}

const START = {
  isLooping: true,
  showsSketch: true,
  trouble: null,
  point: null,
  panels: { inspector: false, timeline: true },
};

function assemble(desk, { store, background, element, onWheelUnused }) {
  desk.store = store;
  desk.actions = makeActions(desk);
  desk.playback = makePlayback(desk);
  desk.surface = makeSurface(desk, { background, onWheelUnused });
  desk.stage = desk.surface.stage;
  desk.gestures = desk.surface.gestures;
  desk.fullscreen = makeFullscreen(element, desk.body, (isOn) => {
    desk.body.classList.toggle("mp-wide", isOn);
    desk.body.focus({ preventScroll: true });
    desk.stage.fit();
  });
  desk.commands = makeCommands(desk);
  desk.notices = makeNotices(desk);
  desk.toolbar = makeToolbar(desk);
  desk.transport = makeTransport(desk);
  desk.timeline = makeTimeline(desk);
  desk.inspector = makeInspector(desk);
}

function layOut(desk, body) {
  const { surface, notices, toolbar, transport, timeline, inspector, store } = desk;
  surface.stage.element.append(notices.element);
  body.append(toolbar.element, surface.stage.element, inspector.element, transport.element, timeline.element);
  const show = ({ panels }) => {
    inspector.element.hidden = !panels.inspector;
    timeline.element.hidden = !panels.timeline;
  };
  show(store.state);
  store.subscribe((state, old) => state.panels !== old.panels && show(state));
}

/** A drawing with nothing on it belongs to whatever picture is there. */
function onCanvas(document, { width, height }) {
  return document.layers.length ? document : { ...document, drawn_on: { width, height } };
}

function showText(desk, text) {
  const { store } = desk;
  desk.trouble?.close();
  desk.gestures.cancel();
  try {
    store.load(text?.trim() ? readDocument(text) : emptyDocument(desk.size()));
    store.set({ trouble: null });
  } catch (error) {
    store.load(emptyDocument(desk.size()));
    store.set({ trouble: error.message });
    desk.trouble = troubleSheet(error.message, {
      onKeep: () => desk.trouble.close(),
      onAnew: () => {
        desk.trouble.close();
        desk.actions.startAnew();
      },
    });
    desk.stage.element.append(desk.trouble.element);
  }
}
