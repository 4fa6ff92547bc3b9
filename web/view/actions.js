/** Edits other than drawing: what buttons, keys and panels call. */

import { readDocument } from "../layers/read_document.js";
import { scaledBrush } from "../layers/brush.js";
import { THE_REST, holdsRest, layerType } from "../layers/index.js";
import {
  addLayer,
  changeLayers,
  emptyDocument,
  freshId,
  layerOf,
  moveLayer,
  pasteLayers,
  removeLayers,
  round,
  shiftLayers,
  withoutPoint,
  writeDocument,
} from "../model/document.js";
import { handlesOf, movedHandle, retractedHandle, shownHandles, toggledKind } from "../model/handles.js";

const COPY_SHIFT_PX = 16;
const clipboard = { layers: [], timing: null }; // shared by all editors of the page

/** `canvasSize()` is the size of the picture; while `isReadOnly()`, no edit is kept. */
export function makeActions({ store, canvasSize, isReadOnly }) {
  const commit = (edit) => {
    if (!isReadOnly()) store.commit(edit);
  };
  const select = (ids) => store.set({ selection: new Set(ids), point: null });
  const paste = (layers) => {
    if (!layers.length || isReadOnly()) return;
    const { width, height } = canvasSize();
    const fresh = insert(store, layers, [COPY_SHIFT_PX / width, COPY_SHIFT_PX / height]);
    select(fresh.map((layer) => layer.id));
  };
  const tools = { store, commit, select, canvasSize };
  return {
    ...selectionActions(tools),
    ...chosenActions(tools),
    ...pointActions(tools),
    ...timingActions(tools),
    ...clipboardActions({ store, paste }),
    ...stackActions({ ...tools, isReadOnly }),
    ...quickActions(tools),
    ...documentActions(tools),
  };
}

/** What is chosen, and fields of chosen layers. */
function selectionActions({ store, commit, select }) {
  return {
    change: (ids, fields) => ids.length && commit(changeLayers(ids, fields)),
    preview: (ids, fields) => store.set({ preview: ids && changeLayers(ids, fields) }),
    select,
    selectAll() {
      const free = store.state.document.layers.filter((layer) => !layer.locked);
      select(free.map((layer) => layer.id));
    },
  };
}

/** Edits of the chosen point, or else of the chosen layers that are not locked. */
function chosenActions({ store, commit, canvasSize }) {
  const unlocked = () => {
    const { document, selection } = store.state;
    return [...selection].filter((id) => !layerOf(document, id)?.locked);
  };
  return {
    /** Removes the chosen point, or else the chosen layers. */
    remove() {
      const { point, document } = store.state;
      const layer = point && layerOf(document, point.id);
      const ids = unlocked();
      store.set({ point: null, preview: null });
      if (layer && !layer.locked && layer.points?.length > 1) {
        const { drawn_on: drawnOn } = document;
        commit(changeLayers([layer.id], point.side ? retractedHandle(layer, point, drawnOn) : withoutPoint(layer, point.index)));
      } else if (ids.length) {
        commit(removeLayers(ids));
        store.set({ selection: new Set() });
      }
    },
    /** Moves the chosen point, or else the chosen layers, by pixels of the picture. */
    moveBy(dx, dy) {
      const { point, document } = store.state;
      const { width, height } = canvasSize();
      const [x, y] = [dx / width, dy / height];
      if (point?.side) commit(changeLayers([point.id], nudgedHandle(point, [x, y], document.drawn_on)));
      else if (point) commit(changeLayers([point.id], movedPoint(point.index, x, y)));
      else if (unlocked().length) commit(shiftLayers(unlocked(), x, y));
    },
  };
}

const TIMING = ["start", "end", "before", "after", "easing"];

/** The timing of chosen layers: window, what is outside it, easing. */
function timingActions({ store, commit }) {
  const timed = () =>
    chosenLayers(store.state).filter((layer) => layerType(layer).hasTiming && !layer.locked);
  const change = (layers, fields) => {
    if (layers.length) commit(changeLayers(layers.map(({ id }) => id), fields));
  };
  const timingOf = (layer) => Object.fromEntries(TIMING.map((name) => [name, layer[name]]));
  const lastChosen = () => layerOf(store.state.document, [...store.state.selection].at(-1));
  return {
    /** Stretches the chosen layers over the whole clip. */
    fillClip: () => change(timed(), { start: 0, end: 1 }),
    copyTiming() {
      const layer = lastChosen();
      if (!layer || !layerType(layer).hasTiming) return;
      clipboard.timing = timingOf(layer);
      store.set({ message: "Timing copied. Select other layers and press U." });
    },
    pasteTiming() {
      if (clipboard.timing) change(timed(), clipboard.timing);
      else store.set({ message: "No timing was copied yet: press Y on a layer." });
    },
    /** Gives the timing of the last chosen layer to the other chosen ones. */
    shareTiming() {
      const layer = lastChosen();
      if (layer && layerType(layer).hasTiming) change(timed(), timingOf(layer));
    },
  };
}

/** The points of the last chosen layer, and their handles, by keys. */
function pointActions({ store, commit }) {
  const chosenPath = () => {
    const layer = layerOf(store.state.document, [...store.state.selection].at(-1));
    return layer && !layer.locked && layerType(layer).canSelectPoint(layer) ? layer : null;
  };
  const hasHandles = (layer) => Boolean(layerType(layer).hasHandles?.(layer));
  return {
    /** Chooses the next or the last point of the chosen layer; the handles of a point follow it. */
    choosePoint(step) {
      const layer = chosenPath();
      if (!layer?.points?.length) return;
      const { point, document } = store.state;
      const index = point?.id === layer.id ? point.index : -1;
      const knobs = hasHandles(layer) ? shownHandles(layer, index, document.drawn_on) : [];
      const sides = knobs.filter((knob) => knob.index === index).map(({ side }) => side);
      const stops = index < 0 ? [] : [undefined, ...sides];
      const at = stops.indexOf(point?.side) + step;
      const count = layer.points.length;
      if (index >= 0 && at >= 0 && at < stops.length) store.set({ point: { ...point, side: stops[at] } });
      else store.set({ point: { id: layer.id, index: index < 0 && step < 0 ? count - 1 : (index + step + count) % count } });
    },
    /** Makes the chosen point a corner, or smooth again. */
    togglePoint() {
      const layer = chosenPath();
      const { point, document } = store.state;
      if (!layer || point?.id !== layer.id || !hasHandles(layer)) return;
      commit(changeLayers([layer.id], (now) => toggledKind(now, point.index, document.drawn_on)));
    },
  };
}

function clipboardActions({ store, paste }) {
  return {
    duplicate() {
      paste(chosenLayers(store.state));
    },
    /** Copies the chosen layers; returns their text for the system's clipboard, or null for none. */
    copy() {
      const layers = chosenLayers(store.state);
      if (!layers.length) return null;
      clipboard.layers = layers;
      return writeDocument({ ...store.state.document, layers });
    },
    /** Pastes the layers of a text, or else those that were copied last. */
    paste(text) {
      const layers = layersOf(text) ?? clipboard.layers;
      paste(layers);
      return layers.length > 0;
    },
  };
}

/** Shortcuts for what is wanted often. */
function quickActions({ store, commit }) {
  return {
    /** Holds still what no moving layer covers, or stops holding it. */
    toggleRest() {
      const held = store.state.document.layers.filter((layer) => holdsRest(layer) && !layer.locked);
      if (held.length) commit(removeLayers(held.map(({ id }) => id)));
      else commit((document) => addLayer({ ...THE_REST, id: freshId(document, THE_REST.type) })(document));
    },
    /** Scales the radius of the next brush, and of the brushes of the chosen drags. */
    sizeBrush(factor) {
      const { settings, selection, document } = store.state;
      store.set({ settings: { ...settings, brush: scaledBrush(settings.brush, factor) } });
      const drags = document.layers.filter(({ id, brush, locked }) => selection.has(id) && brush && !locked);
      if (drags.length) {
        commit(changeLayers(drags.map(({ id }) => id), (layer) => ({ brush: scaledBrush(layer.brush, factor) })));
      }
    },
  };
}

/** The order of the layers, and new ones on top. */
function stackActions({ store, commit, select, isReadOnly }) {
  const moveTo = (id, place) => {
    const { layers } = store.state.document;
    const goal = Math.min(Math.max(place, 0), layers.length - 1);
    if (layers.findIndex((layer) => layer.id === id) !== goal) commit(moveLayer(id, goal));
  };
  return {
    moveTo,
    /** Moves the chosen layer up or down in the stack. */
    reorder(step) {
      const id = [...store.state.selection].at(-1);
      if (id === undefined) return;
      moveTo(id, store.state.document.layers.findIndex((layer) => layer.id === id) + step);
    },
    add(layer) {
      if (isReadOnly()) return;
      const [fresh] = insert(store, [layer]);
      if (fresh) select([fresh.id]);
    },
  };
}

/** Edits of the whole drawing. */
function documentActions({ store, commit, select, canvasSize }) {
  return {
    clear() {
      commit((document) => ({ ...document, layers: [] }));
      select([]);
    },
    /** Replaces the whole drawing by that of a text. Throws Error when it cannot be read. */
    open(text) {
      const document = readDocument(text);
      commit(() => document);
      select([]);
    },
    startEmpty() {
      store.set({ loadError: null });
      store.commit(() => emptyDocument(canvasSize()));
    },
    adoptSize: () => commit((document) => ({ ...document, drawn_on: { ...canvasSize() } })),
  };
}

/** Pastes layers and returns them as they are in the document, with ids of their own. */
function insert(store, layers, shift) {
  const before = new Set(store.state.document.layers.map(({ id }) => id));
  store.commit(pasteLayers(layers, shift));
  return store.state.document.layers.filter(({ id }) => !before.has(id));
}

function chosenLayers({ document, selection }) {
  return document.layers.filter((layer) => selection.has(layer.id));
}

function layersOf(text) {
  try {
    return text ? readDocument(text).layers : null;
  } catch {
    return null; // any other text on the clipboard is no drawing
  }
}

function nudgedHandle({ index, side }, [dx, dy], drawnOn) {
  return (layer) => {
    const [, px, py] = layer.points[index];
    const from = side === "in" ? 0 : 2;
    const [x, y] = handlesOf(layer, index, drawnOn).slice(from, from + 2);
    return movedHandle(layer, { index, side }, [px + x + dx, py + y + dy], { drawnOn });
  };
}

function movedPoint(index, dx, dy) {
  return (layer) => ({
    points: layer.points.map((point, i) => {
      if (i !== index) return point;
      const [x, y] = point.slice(-2);
      return [...point.slice(0, -2), round(x + dx), round(y + dy)];
    }),
  });
}
