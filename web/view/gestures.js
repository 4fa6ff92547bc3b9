/** Passes the canvas view's pointers to the chosen tool, and the tool's answers to the store. */

import { layerType } from "../layers/index.js";
import { layerAt } from "../layers/pick.js";
import { layerOf } from "../model/document.js";
import { handleAt, pointAt } from "../model/hit.js";
import { snapped } from "../model/snap.js";
import { clipSeconds } from "../model/store.js";
import { SELECT, TOOLS } from "../tools/index.js";

/** `canvasView` gives the view; while `isReadOnly()`, no gesture begins. */
export function makeGestures({ store, canvasView, canvasSize, isReadOnly }) {
  const tools = new Map(TOOLS.map(({ name, make }) => [name, make()]));
  const tool = () => tools.get(store.state.tool);
  const send = (handler, pointer) => {
    const context = contextOf(store, canvasView, canvasSize);
    const { at, guides } = snappedPointer(tool(), pointer, context);
    const answer = tool()[handler]?.(at, context);
    if (answer) store.apply(answer);
    if (guides.length || store.state.guides.length) store.set({ guides });
    return Boolean(answer);
  };
  const gesture = { isUnderWay: false };
  const cancelGesture = () => {
    gesture.isUnderWay = false;
    tool().onCancel();
    store.set({ preview: null, box: null, brushAt: null, guides: [], message: null });
  };
  const handlers = makeHandlers({ store, canvasView, isReadOnly, send, cancelGesture, gesture });

  return {
    handle: (kind, pointer) => handlers[kind](pointer),
    cursor(pointer) {
      const { document, tool: name, time } = store.state;
      if (name !== SELECT.name || !pointer) return tool().cursor;
      return layerAt(document, pointer.screen, canvasView.view, time) ? "move" : "default";
    },
    get isUnderWay() {
      return gesture.isUnderWay;
    },
    key: (event) => send("onKey", event),
    /** Takes back what a pressed pointer does; a path that is being placed can be continued. */
    cancelGesture,
    /** Ends the gesture and the path under way; false where there was none. */
    cancel() {
      const { preview, drawing } = store.state;
      const wasBusy = gesture.isUnderWay || Boolean(preview) || drawing !== null;
      cancelGesture();
      store.set({ drawing: null });
      return wasBusy;
    },
    setTool(name) {
      if (name === store.state.tool || !tools.has(name)) return;
      cancelGesture();
      store.set({ tool: name, point: null, drawing: null });
    },
  };
}

/** What happens on each kind of pointer event. */
function makeHandlers({ store, canvasView, isReadOnly, send, cancelGesture, gesture }) {
  return {
    down(pointer) {
      if (isReadOnly()) return;
      gesture.isUnderWay = true;
      send("onPointerDown", pointer);
    },
    move(pointer) {
      if (gesture.isUnderWay) send("onPointerMove", pointer);
    },
    up(pointer) {
      if (!gesture.isUnderWay) return;
      gesture.isUnderWay = false;
      send("onPointerUp", pointer);
      store.set({ preview: null, box: null, brushAt: null, guides: [] });
      const isPlacing = store.state.drawing !== null;
      store.set({ point: isPlacing ? null : pointUnder(store.state, canvasView.view, pointer) });
    },
    cancel: cancelGesture,
    hover(pointer) {
      if (!isReadOnly()) send("onPointerMove", pointer);
    },
    leave() {
      if (store.state.preview) store.set({ preview: null, guides: [] });
    },
    double(pointer) {
      if (send("onDoubleClick", pointer)) return;
      if (store.state.tool === SELECT.name) openEditTool(store, canvasView.view, pointer);
    },
  };
}

/** The pointer where it snaps to, if the tool wants that now, and the guides that hold it there. */
function snappedPointer(tool, pointer, context) {
  const isOn = context.isSnapping && pointer.point && !pointer.ctrl;
  const how = isOn ? tool.snapping?.(pointer, context) : null;
  if (!how) return { at: pointer, guides: [] };
  const { point, guides } = snapped(pointer.point, { ...context, cell: context.settings.cell }, how);
  return { at: { ...pointer, point }, guides };
}

/** What a tool is given beside the pointer. */
function contextOf({ state }, { view }, canvasSize) {
  const { document, selection, time, clip, settings, point, isSnapping, drawing } = state;
  const scene = { clipSeconds: clipSeconds(clip), size: canvasSize(), view };
  return { document, selection, time, settings, point, isSnapping, drawing, ...scene };
}

/** The point, or handle of a point, of the last selected layer under the pointer. */
function pointUnder({ document, selection, point }, view, { screen }) {
  const layer = layerOf(document, [...selection].at(-1));
  if (!layer || !layerType(layer).canSelectPoint(layer)) return null;
  const { id } = layer;
  const index = pointAt(layer, screen, view);
  const where = { view, drawnOn: document.drawn_on, point };
  const handle = layerType(layer).hasHandles?.(layer) ? handleAt(layer, screen, where) : null;
  if (handle) return { id, ...handle };
  return index < 0 ? null : { id, index };
}

/** Selects the layer under the pointer with the tool that edits it. */
function openEditTool(store, view, { screen }) {
  const layer = layerAt(store.state.document, screen, view, store.state.time);
  const tool = layer && layerType(layer).editTool;
  if (tool) store.set({ tool, selection: new Set([layer.id]) });
}
