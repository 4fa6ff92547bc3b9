/** Brings the stage's pointers to the chosen tool, and what the tool answers to the store. */

import { hasPath, layerOf } from "../model/document.js";
import { layerAt, pointAt } from "../model/hit.js";
import { clipSeconds } from "../model/store.js";
import { TOOLS } from "../tools/index.js";

const OWN_TOOL = { drag: "path", pin: "pin", sphere: "sphere", region: "region" };

/** `desk` is {store, size(), isReadOnly()}; `stage` gives the view. */
export function makeGestures(desk, stage) {
  const { store } = desk;
  const tools = new Map(TOOLS.map(({ name, make }) => [name, make()]));
  let isBusy = false;
  const tool = () => tools.get(store.state.tool);

  const context = () => {
    const { document, selection, time, clip, settings } = store.state;
    const view = stage.view;
    return { document, selection, time, clipSeconds: clipSeconds(clip), size: desk.size(), view, settings };
  };
  const ask = (handler, pointer) => {
    const answer = tool()[handler]?.(pointer, context());
    if (answer) store.apply(answer);
  };
  const cancel = () => {
    isBusy = false;
    tool().onCancel();
    store.set({ preview: null, box: null, message: null });
  };

  const handlers = {
    down(pointer) {
      if (desk.isReadOnly()) return;
      isBusy = true;
      ask("onPointerDown", pointer);
    },
    move(pointer) {
      if (isBusy) ask("onPointerMove", pointer);
    },
    up(pointer) {
      if (!isBusy) return;
      isBusy = false;
      ask("onPointerUp", pointer);
      if (store.state.preview || store.state.box) store.set({ preview: null, box: null });
      store.set({ point: pointUnder(pointer) });
    },
    cancel,
    hover(pointer) {
      if (!desk.isReadOnly()) ask("onPointerMove", pointer);
    },
    leave() {
      if (store.state.preview) store.set({ preview: null });
    },
    double(pointer) {
      if (tool().onDoubleClick) ask("onDoubleClick", pointer);
      else if (store.state.tool === "select") openOwnTool(pointer);
    },
  };

  /** The point of the last selected layer under the pointer: what the inspector's numbers show. */
  const pointUnder = ({ screen }) => {
    const { document, selection } = store.state;
    const layer = layerOf(document, [...selection].at(-1));
    const isRecorded = layer && hasPath(layer) && (layer.curve ?? "recorded") === "recorded";
    if (!layer || isRecorded || layer.type === "sphere") return null;
    const index = pointAt(layer, screen, stage.view);
    return index < 0 ? null : { id: layer.id, index };
  };

  const openOwnTool = ({ screen }) => {
    const layer = layerAt(store.state.document, screen, stage.view, store.state.time);
    if (layer && OWN_TOOL[layer.type]) store.set({ tool: OWN_TOOL[layer.type], selection: new Set([layer.id]) });
  };

  return {
    handle: (kind, pointer) => handlers[kind](pointer),
    cursor(pointer) {
      const { document, tool: name, time } = store.state;
      if (name !== "select" || !pointer) return tool().cursor;
      return layerAt(document, pointer.screen, stage.view, time) ? "move" : "default";
    },
    key: (event) => ask("onKey", event),
    /** Ends the gesture or the path under way; false where there was none. */
    cancel() {
      const wasBusy = isBusy || Boolean(store.state.preview);
      cancel();
      return wasBusy;
    },
    setTool(name) {
      if (name === store.state.tool || !tools.has(name)) return;
      cancel();
      store.set({ tool: name, point: null });
    },
  };
}
