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
  let size = { width: 1, height: 1 };
  let view = fitView(size, { width: 1, height: 1 });
  let isFitted = true;

  const draw = () => {
    if (!room.width || !room.height) return;
    const ratio = sharpness(canvas, room);
    const [width, height] = [Math.round(room.width * ratio), Math.round(room.height * ratio)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, room.width, room.height);
    onDraw(context, view, ratio);
  };
  const frame = makeFrameRequest(draw);

  const canvasView = {
    element,
    canvas,
    get view() {
      return view;
    },
    request: frame.request,
    setSize(next) {
      const isSame = next.width === size.width && next.height === size.height;
      if (isSame) return;
      size = next;
      canvasView.fit();
    },
    fit() {
      isFitted = true;
      view = fitView(size, room);
      frame.request();
    },
    zoom(factor, at = [room.width / 2, room.height / 2]) {
      isFitted = false;
      view = zoomAt(view, at, factor);
      frame.request();
    },
    pan(dx, dy) {
      isFitted = false;
      view = panBy(view, dx, dy);
      frame.request();
    },
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
    if (isFitted) view = fitView(size, room);
    frame.request();
  });
  observer.observe(element);
  listenToPointers(canvasView, room, onPointer, controller.signal);
  listenToWheel(canvasView, room, { canZoom, onWheelUnused }, controller.signal);
  return canvasView;
}

/** Device pixels per CSS pixel as the canvas is shown now, hosts' CSS scaling included. */
function sharpness(canvas, room) {
  const shown = canvas.getBoundingClientRect().width || room.width;
  const exact = (shown / room.width) * (globalThis.devicePixelRatio || 1);
  const steps = Math.min(Math.max(Math.ceil(exact * 2) / 2, 1), 4);
  return Math.min(steps, MOST_PIXELS / Math.max(room.width, room.height));
}
