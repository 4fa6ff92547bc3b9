/**
 * The canvas view: one canvas, the pointers on it, and how the picture lies in it. It knows nothing
 * of documents; its owner receives what the pointers do, and draws.
 */

import { fitView, panBy, zoomAt } from "../model/viewport.js";
import { make } from "./dom.js";
import { makeFrameRequest } from "./frame_request.js";
import { listenToPointers, listenToWheel } from "./pointers.js";

const MOST_PIXELS = 4096;

/**
 * `onDraw(context, view, ratio)`, `onPointer(kind, pointer)` with kind "down" | "move" | "up" |
 * "cancel" | "hover" | "leave" | "double", `canZoom()` says whether the wheel zooms the view,
 * `onWheelUnused(event)`.
 */
export function makeCanvasView({ onDraw, onPointer, canZoom, onWheelUnused }) {
  const canvas = make("canvas", { className: "mp-canvas" });
  const element = make("div", { className: "mp-view" }, canvas);
  const context = canvas.getContext("2d");
  const room = { width: 0, height: 0 };
  const controller = new AbortController();
  const frame = makeFrameRequest(() => {
    if (!room.width || !room.height) return;
    const ratio = clear(context, room);
    onDraw(context, position.view, ratio);
  });
  const position = makePosition(room, frame.request);
  const canvasView = {
    element,
    canvas,
    get view() {
      return position.view;
    },
    request: frame.request,
    ...position.controls,
    destroy() {
      observer.disconnect();
      frame.cancel();
      controller.abort();
      canvas.width = canvas.height = 0;
    },
  };

  const observer = new ResizeObserver(([entry]) => {
    const { width, height } = entry.contentRect;
    Object.assign(room, { width, height });
    position.refit();
    frame.request();
  });
  observer.observe(element);
  listenToPointers(canvasView, room, onPointer, controller.signal);
  listenToWheel(canvasView, room, { canZoom, onWheelUnused }, controller.signal);
  return canvasView;
}

/**
 * How the picture lies in `room`: fitted until it is zoomed or panned. `controls` are the owner's,
 * `refit()` follows a change of the room, `onChange()` is called by the controls.
 */
function makePosition(room, onChange) {
  let size = { width: 1, height: 1 };
  let view = fitView(size, { width: 1, height: 1 });
  let isFitted = true;
  const moveTo = (next, fitted) => {
    isFitted = fitted;
    view = next;
    onChange();
  };
  const fit = () => moveTo(fitView(size, room), true);
  return {
    get view() {
      return view;
    },
    refit() {
      if (isFitted) view = fitView(size, room);
    },
    controls: {
      setSize(next) {
        if (next.width === size.width && next.height === size.height) return;
        size = next;
        fit();
      },
      fit,
      zoom: (factor, at = [room.width / 2, room.height / 2]) =>
        moveTo(zoomAt(view, at, factor), false),
      pan: (dx, dy) => moveTo(panBy(view, dx, dy), false),
    },
  };
}

/** Clears the canvas at the sharpness it is shown in, and returns that. */
function clear(context, room) {
  const { canvas } = context;
  const ratio = sharpness(canvas, room);
  const [width, height] = [Math.round(room.width * ratio), Math.round(room.height * ratio)];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, room.width, room.height);
  return ratio;
}

/** Device pixels per CSS pixel as the canvas is shown now, hosts' CSS scaling included. */
function sharpness(canvas, room) {
  const shown = canvas.getBoundingClientRect().width || room.width;
  const exact = (shown / room.width) * (globalThis.devicePixelRatio || 1);
  const steps = Math.min(Math.max(Math.ceil(exact * 2) / 2, 1), 4);
  return Math.min(steps, MOST_PIXELS / Math.max(room.width, room.height));
}
