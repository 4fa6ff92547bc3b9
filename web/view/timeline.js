/** Layers and time in one: a row per layer, its name and switches left, its bar in time right. */

import { changeLayers, layerOf, round } from "../model/document.js";
import { make } from "./dom.js";
import { makeRow, updateRow } from "./timeline_row.js";
import { makeRuler } from "./timeline_ruler.js";

const SHORTEST = 0.005;

/** A row per layer; while `isReadOnly()`, nothing can be dragged. */
export function makeTimeline({ store, actions, playback, isReadOnly }) {
  const rows = new Map();
  const list = make("div", { className: "mp-rows", role: "list" });
  const ruler = makeRuler({ store, playback });
  const playhead = make("div", { className: "mp-playhead" });
  const lanes = make("div", { className: "mp-lanes" }, playhead);
  const empty = make("div", { className: "mp-empty" }, "No motion yet.");
  const element = make("div", { className: "mp-timeline" }, ruler.element, list, empty, lanes);
  const drag = listen({ store, actions, isReadOnly }, list, ruler);

  const update = () => {
    const { selection, time } = store.state;
    const layers = [...store.shown.layers].reverse();
    empty.hidden = layers.length > 0;
    const ids = new Set(layers.map((layer) => layer.id));
    for (const [id, row] of rows) {
      if (!ids.has(id)) {
        row.element.remove();
        rows.delete(id);
      }
    }
    layers.forEach((layer, place) => {
      const row = rows.get(layer.id) ?? makeRow(layer, { store, actions });
      rows.set(layer.id, row);
      if (list.children[place] !== row.element) list.insertBefore(row.element, list.children[place] ?? null);
      updateRow(row, layer, selection.has(layer.id));
    });
    playhead.style.left = `${time * 100}%`;
  };
  store.subscribe((state, old) => {
    const names = ["document", "preview", "selection", "clip"];
    if (names.some((name) => state[name] !== old[name])) update();
    if (state.time !== old.time) playhead.style.left = `${state.time * 100}%`;
    if (state.clip !== old.clip) ruler.update();
  });
  update();
  return { element, destroy: drag.stop };
}

/** Dragging bars, their ends and key marks, and rows. Captured by the list, so rows may re-render. */
function listen({ store, actions, isReadOnly }, list, ruler) {
  const controller = new AbortController();
  const on = (name, listener) => list.addEventListener(name, listener, { signal: controller.signal });
  let grab = null; // { kind, id, from, layer, key?, edit? }

  on("pointerdown", (event) => {
    const row = event.target.closest("[data-layer]");
    if (!row || event.button !== 0 || event.target.closest("button, input")) return;
    const { layer: id } = row.dataset;
    choose(store, actions, id, event);
    const kind = event.target.dataset.grab;
    if (!kind || isReadOnly()) return;
    list.setPointerCapture(event.pointerId);
    grab = { kind, id, from: ruler.timeAt(event), layer: layerOf(store.state.document, id) };
    grab.key = Number(event.target.dataset.key);
    if (grab.layer.locked && kind !== "row") grab = null;
  });
  on("pointermove", (event) => {
    if (!grab) return;
    if (grab.kind === "row") {
      grab.place = placeUnder(list, event.clientY);
      markDrop(list, grab.place);
      return;
    }
    const fields = moved(grab, ruler.timeAt(event) - grab.from, store.state.clip);
    grab.edit = changeLayers([grab.id], fields);
    store.set({ preview: grab.edit });
  });
  on("pointerup", () => {
    const done = grab;
    grab = null;
    markDrop(list, -1);
    if (done?.edit) store.commit(done.edit);
    if (done?.kind === "row" && done.place >= 0) {
      actions.moveTo(done.id, list.children.length - 1 - done.place);
    }
  });
  on("pointercancel", () => {
    grab = null;
    markDrop(list, -1);
    store.set({ preview: null });
  });
  return { stop: () => controller.abort() };
}

function choose(store, actions, id, { shiftKey, ctrlKey, metaKey }) {
  const { selection } = store.state;
  if (!(shiftKey || ctrlKey || metaKey)) {
    if (!selection.has(id) || selection.size > 1) actions.select([id]);
    return;
  }
  const others = [...selection].filter((other) => other !== id);
  actions.select(selection.has(id) ? others : [...others, id]);
}

/** The fields that a drag of a bar or a key changes. `by` is a fraction of the clip. */
function moved({ kind, layer, key }, by, clip) {
  const { start = 0, end = 1 } = layer;
  const onFrame = (time) => {
    const steps = Math.max(clip.frames - 1, 1);
    return round(Math.min(Math.max(Math.round(time * steps) / steps, 0), 1));
  };
  if (kind === "start") return { start: Math.min(onFrame(start + by), round(end - SHORTEST)) };
  if (kind === "end") return { end: Math.max(onFrame(end + by), round(start + SHORTEST)) };
  if (kind === "key") return { keys: keysMoved(layer, key, by / (end - start)) };
  const shift = Math.min(Math.max(onFrame(start + Math.max(by, -start)) - start, -start), 1 - end);
  return { start: round(start + shift), end: round(end + shift) };
}

function keysMoved(layer, index, by) {
  const keys = layer.keys.map((key, i) =>
    i === index ? { ...key, t: round(Math.min(Math.max(key.t + by, 0), 1)) } : key,
  );
  return keys.sort((a, b) => a.t - b.t);
}

function placeUnder(list, y) {
  const boxes = [...list.children].map((row) => row.getBoundingClientRect());
  const place = boxes.findIndex(({ bottom }) => y < bottom);
  return place < 0 ? boxes.length - 1 : place;
}

function markDrop(list, place) {
  [...list.children].forEach((row, i) => row.classList.toggle("mp-drop", i === place));
}
