/**
 * Draw Motion in ComfyUI: the one file that uses the host. The hidden text widget "motion" stores
 * the drawing; the editor is a last, display-only widget that can be rebuilt from it.
 */

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { chain } from "./node_hooks.js";
import { createEditor } from "./view/editor.js";

const NODE_ID = "MotionPromptingDrawMotion";
const WIDGET_TYPE = "MOTION_PROMPTING_EDITOR"; // a type of its own, or Nodes 2.0 would show a core widget
const PICTURE_PROPERTY = "motion_prompting_picture";
const LEAST_HEIGHT = 430;
const FIRST_SIZE = [540, 760];
const SUBGRAPH_INPUT = -10;
const SESSION_MS = 4000; // how long an undo may take
const PICTURES = /\.(png|jpe?g|webp|gif|bmp|avif)$/i;
const VIDEOS = /\.(mp4|webm|mov|mkv|m4v)$/i;

const sessions = new Map(); // undo recreates the node; its editor continues where the old one was
const removedElements = new Map(); // node id -> the element of a removed node's editor

app.registerExtension({
  name: "motion_prompting.draw_motion",
  nodeCreated(node) {
    if (node.comfyClass === NODE_ID) attach(node);
  },
});

function attach(node) {
  const motion = widgetOf(node, "motion");
  if (!motion) return;
  motion.hidden = true;
  // Nodes 2.0 reads it here; some versions keep this very object, so that a copy would not count.
  motion.options = Object.assign(motion.options ?? {}, { hidden: true });
  const editor = createEditor({
    onCommit(text) {
      motion.value = text;
      node.graph?.setDirtyCanvas?.(true, false);
      captureUndoStep();
    },
    onPictureFile: (file) => keepPicture(node, file, refresh),
    onWheelUnused: forwardWheel,
  });
  editor.element.style.minHeight = `${LEAST_HEIGHT}px`; // older Nodes 2.0 reads only this
  const widget = node.addDOMWidget("editor", WIDGET_TYPE, editor.element, {
    serialize: false,
    hideOnZoom: false,
    getMinHeight: () => LEAST_HEIGHT,
  });
  widget.serialize = false;
  node.hideOutputImages = true;
  node.setSize?.([Math.max(node.size[0], FIRST_SIZE[0]), Math.max(node.size[1], FIRST_SIZE[1])]);

  const pictures = makePictureSource(node, editor);
  const refresh = () => {
    editor.setClip(clipOf(node));
    editor.setText(motion.value);
    pictures.refresh();
  };
  const stops = [
    pictures.stop,
    listenTo(motion, () => editor.setText(motion.value)),
    ...["width", "height", "frames", "fps"].map((name) =>
      listenTo(widgetOf(node, name), () => editor.setClip(clipOf(node))),
    ),
    listenToRuns(() => pictures.refresh()),
  ];
  // Links around a subgraph change without an event, so the picture is looked up again here.
  editor.element.addEventListener("pointerenter", () => pictures.refresh());
  hookNode(node, { editor, refresh, pictures, stops });
  refresh();
}

function hookNode(node, { editor, refresh, pictures, stops }) {
  chain(node, "onConfigure", () => {
    const session = takeSession(node);
    if (session) editor.resume(session.state);
    refresh();
    setTimeout(() => pictures.refresh()); // after all links are restored
    if (session?.hadFocus) takeFocus(editor);
    if (session) keepRedo();
  });
  chain(node, "onAdded", () => replaceElement(editor, removedElements.get(node.id)));
  chain(node, "onConnectionsChange", () => setTimeout(() => pictures.refresh()));
  chain(node, "onExecuted", (shown) => {
    pictures.take(shown?.motion_picture?.[0]);
    editor.setNotes(shown?.text ?? []);
    editor.setThings(shown?.motion_things);
  });
  chain(node, "onRemoved", () => {
    keepSession(node, editor);
    stops.forEach((stop) => stop());
    editor.destroy();
  });
}

/** Calls `listener` at new values of a widget; returns a function that stops it. */
function listenTo(widget, listener) {
  if (!widget) return () => {};
  let isOn = true;
  const before = widget.callback;
  widget.callback = function (...args) {
    const result = before?.apply(this, args);
    if (isOn) listener();
    return result;
  };
  return () => {
    isOn = false;
  };
}

function listenToRuns(listener) {
  const later = () => setTimeout(listener);
  api.addEventListener("executed", later);
  return () => api.removeEventListener("executed", later);
}

function widgetOf(node, name) {
  return node.widgets?.find((widget) => widget.name === name);
}

function clipOf(node) {
  const value = (name) => Number(widgetOf(node, name)?.value);
  return { width: value("width"), height: value("height"), frames: value("frames"), fps: value("fps") };
}

/** One undo step per gesture; the host compares and drops steps in which nothing changed. */
function captureUndoStep() {
  const tracker = changeTracker();
  if (tracker?.captureCanvasState) tracker.captureCanvasState();
  else tracker?.checkState?.();
}

function changeTracker() {
  return app.extensionManager?.workflow?.activeWorkflow?.changeTracker;
}

/**
 * Older frontends resize every node while they restore an undone graph (1.35 makes each taller by
 * its title in Nodes 2.0), treat that as an edit at the next key, and drop the redo steps. Between
 * an undo and the next edit, a graph that differs only in sizes therefore counts as the undone one,
 * however long a slow machine takes to measure it.
 */
function keepRedo() {
  const tracker = changeTracker();
  if (!tracker?._restoringState || tracker.captureCanvasState || Object.hasOwn(tracker, "checkState")) return;
  tracker.checkState = function (...args) {
    const steps = tracker.undoQueue.length;
    const now = JSON.parse(JSON.stringify((app.rootGraph ?? app.graph).serialize()));
    const isUndone = !tracker._restoringState && withoutSizes(now) === withoutSizes(tracker.activeState);
    if (isUndone) tracker.activeState = now;
    Object.getPrototypeOf(tracker).checkState.apply(this, args);
    if (tracker.undoQueue.length > steps) delete tracker.checkState;
  };
}

/** A saved graph as text, without the view, sizes, and lists of values that are empty. */
function withoutSizes({ nodes, extra, ...rest }) {
  const plain = ({ size, widgets_values: values, ...node }) => [node, values?.length ? values : null];
  const inOrder = nodes.map(plain).sort(([a], [b]) => String(a.id).localeCompare(String(b.id)));
  const named = Object.entries({ ...extra, ds: null }).sort();
  return JSON.stringify([rest, named, inOrder]);
}

/** Over an editor without focus the wheel zooms the graph, as everywhere in Nodes 2.0. */
function forwardWheel(event) {
  event.preventDefault();
  app.canvas?.canvas?.dispatchEvent(new WheelEvent("wheel", event));
}

function keepSession(node, editor) {
  keepFor(sessions, sessionKey(node), { state: editor.session(), hadFocus: editor.hadFocus });
  keepFor(removedElements, node.id, editor.element);
}

function keepFor(map, key, value) {
  map.set(key, value);
  setTimeout(() => map.get(key) === value && map.delete(key), SESSION_MS);
}

function takeSession(node) {
  const key = sessionKey(node);
  const session = sessions.get(key);
  sessions.delete(key);
  return session;
}

/**
 * Replaces the old editor's element in the page: Nodes 2.0 keeps the elements of a node whose id
 * returns, as after an undo, and would still show the old one.
 */
function replaceElement(editor, oldElement) {
  if (!oldElement) return;
  untilTrue(() => {
    if (!editor.element.isConnected && oldElement.isConnected) oldElement.replaceWith(editor.element);
    return editor.element.isConnected;
  });
}

function takeFocus(editor) {
  untilTrue(() => {
    editor.focus();
    return editor.hasFocus;
  });
}

/** Calls `isDone` every 50 ms, for a second at most, until it returns true. */
function untilTrue(isDone, tries = 20) {
  setTimeout(() => !isDone() && tries > 1 && untilTrue(isDone, tries - 1), 50);
}

function sessionKey(node) {
  return `${app.extensionManager?.workflow?.activeWorkflow?.path ?? ""}:${node.id}`;
}

/** Finds the picture to draw on and gives it to the editor whenever it may have changed. */
function makePictureSource(node, editor) {
  let shownUrl = null;
  let shownNote = null;
  let watched = { widget: null, stop: () => {} };
  let arrived = null; // the file of the last run, and the picture it was made of
  const source = {
    take(file) {
      if (file) arrived = { file, origin: originUrl(node) };
      source.refresh();
    },
    refresh() {
      const from = upstreamNode(node, "image");
      const origin = from && originOf(from);
      watch(origin && mediaWidget(origin));
      if (arrived && arrived.origin !== originUrl(node)) {
        arrived = null;
        editor.setThings([]); // they were cut out of another picture
      }
      const exact = (from && urlOf(from)) ?? (arrived ? viewUrl(arrived.file) : null);
      const url = exact ?? originUrl(node) ?? keptUrl(node);
      const note = origin && !exact ? earlierNote(from) : null;
      if (note !== shownNote) editor.setNotes(note ? [note] : []);
      shownNote = note;
      if (url === shownUrl) return;
      shownUrl = url;
      if (!url) {
        editor.setPicture(null);
        return;
      }
      loadPicture(url).then(
        (picture) => url === shownUrl && editor.setPicture(picture),
        () => url === shownUrl && editor.setPicture(null),
      );
    },
    stop() {
      shownUrl = null;
      watched.stop();
      source.refresh = () => {};
    },
  };
  const watch = (widget) => {
    if (widget === watched.widget) return;
    watched.stop();
    watched = { widget, stop: listenTo(widget, () => setTimeout(() => source.refresh())) };
  };
  return source;
}

/** The picture that a node loads or shows. */
function urlOf(node) {
  const file = fileOf(mediaWidget(node)?.value) ?? shownBy(node);
  return file ? viewUrl(file) : (node.imgs?.[0]?.src ?? null);
}

/** The picture that was dropped on the editor, while nothing is connected. */
function keptUrl(node) {
  const isLinked = node.inputs?.some((input) => input.name === "image" && input.link != null);
  const kept = node.properties?.[PICTURE_PROPERTY];
  return !isLinked && kept ? viewUrl(kept) : null;
}

/**
 * The first node with a picture on the way back through nodes that take in a single image, such as
 * those that scale it; null when there is none.
 */
function originOf(node, depth = 0) {
  if (urlOf(node)) return node;
  const images = node.inputs?.filter(({ type, link }) => type === "IMAGE" && link != null) ?? [];
  const before = images.length === 1 && depth < 16 ? upstreamNode(node, images[0].name) : null;
  return before && originOf(before, depth + 1);
}

function originUrl(node) {
  const from = upstreamNode(node, "image");
  const origin = from && originOf(from);
  return origin ? urlOf(origin) : null;
}

function earlierNote({ title, type }) {
  return `The image before "${title ?? type}" is shown. Run once to see the one that arrives.`;
}

/** The node whose output feeds an input, found through reroutes and out of subgraphs. */
function upstreamNode(node, name, depth = 0) {
  const slot = node.inputs?.findIndex((input) => input.name === name) ?? -1;
  const link = slot < 0 ? null : linkOf(node.graph, node.inputs[slot].link);
  if (!link || depth > 16) return null;
  if (Number(link.origin_id) === SUBGRAPH_INPUT) {
    const host = hostOf(node.graph);
    const outside = host?.inputs?.[link.origin_slot];
    return outside ? upstreamNode(host, outside.name, depth + 1) : null;
  }
  const from = node.graph.getNodeById(link.origin_id);
  const isReroute = from?.type === "Reroute";
  return isReroute ? upstreamNode(from, from.inputs[0].name, depth + 1) : (from ?? null);
}

function linkOf(graph, id) {
  if (id === null || id === undefined || !graph) return null;
  return graph.getLink?.(id) ?? graph.links?.get?.(id) ?? graph.links?.[id] ?? null;
}

/** The node of a subgraph in the graph around it. */
function hostOf(subgraph) {
  const root = app.rootGraph ?? app.graph?.rootGraph ?? app.graph;
  const graphs = [root, ...(root?.subgraphs?.values?.() ?? [])];
  for (const graph of graphs) {
    const host = graph.nodes?.find((node) => node.subgraph === subgraph);
    if (host) return host;
  }
  return null;
}

/** The widget of a loader that names a picture or video file. */
function mediaWidget(node) {
  return node.widgets?.find(({ value }) => typeof value === "string" && fileOf(value)) ?? null;
}

/** {filename, subfolder, type} of a name such as "sub/cat.png [output]"; null for other texts. */
function fileOf(name) {
  if (typeof name !== "string") return null;
  const [, path, type = "input"] = name.match(/^(.*?)(?: \[(input|output|temp)\])?$/s);
  if (!PICTURES.test(path) && !VIDEOS.test(path)) return null;
  const cut = path.lastIndexOf("/");
  return { filename: path.slice(cut + 1), subfolder: path.slice(0, Math.max(cut, 0)), type };
}

/** The first picture that a node shows since its last run. */
function shownBy(node) {
  const outputs = app.nodeOutputs ?? {};
  const shown = outputs[node.id] ?? outputs[`${node.graph?.id}:${node.id}`];
  return shown?.images?.[0] ?? null;
}

function viewUrl({ filename, subfolder = "", type = "input" }) {
  return api.apiURL(`/view?${new URLSearchParams({ filename, subfolder, type })}`);
}

function loadPicture(url) {
  return VIDEOS.test(new URL(url, location.href).searchParams.get("filename") ?? "") ? loadFrame(url) : loadImage(url);
}

async function loadImage(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  return image;
}

/** The first frame of a video. */
function loadFrame(url) {
  const video = document.createElement("video");
  Object.assign(video, { muted: true, preload: "auto", src: url });
  return new Promise((resolve, reject) => {
    video.addEventListener("loadeddata", () => resolve(video), { once: true });
    video.addEventListener("error", () => reject(new Error("the video cannot be shown")), { once: true });
  });
}

/** Puts a dropped picture into the host's input folder; the graph keeps only its name. */
async function keepPicture(node, file, refresh) {
  const body = new FormData();
  body.append("image", file, file.name || "picture.png");
  body.append("subfolder", "motion_prompting");
  const answer = await api.fetchApi("/upload/image", { method: "POST", body });
  if (!answer.ok) return;
  const { name, subfolder, type } = await answer.json();
  node.properties[PICTURE_PROPERTY] = { filename: name, subfolder, type };
  const { naturalWidth, naturalHeight } = await loadImage(viewUrl({ filename: name, subfolder, type }));
  widgetOf(node, "width").value = naturalWidth;
  widgetOf(node, "height").value = naturalHeight;
  refresh();
  captureUndoStep();
}
