/**
 * The stage: one canvas, the pointers on it, and the view. It knows nothing of documents; it tells
 * its owner what the pointers do and asks it to paint.
 */

import { fitView, panBy, zoomAt } from "../model/viewport.js";
import { make } from "./dom.js";
import { makeFrameRequest } from "./frame_request.js";
import { listenToPointers, listenToWheel } from "./pointers.js";

const MOST_PIXELS = 4096;

/**
 * `onPaint(context, view)`, `onPointer(kind, pointer)` with kind "down" | "move" | "up" | "cancel"
 * | "hover" | "leave" | "double", `canZoom()` says whether the wheel is ours, `onWheelUnused(event)`.
 */
export function makeStage({ onPaint, onPointer, canZoom, onWheelUnused }) {
  const canvas = make("canvas", { className: "mp-canvas" });
  const element = make("div", { className: "mp-stage" }, canvas);
  const context = canvas.getContext("2d");
  const room = { width: 0, height: 0 };
  const controller = new AbortController();
  let size = { width: 1, height: 1 };
  let view = fitView(size, { width: 1, height: 1 });
  let isFitted = true;

  const paint = () => {
    if (!room.width || !room.height) return;
    const ratio = sharpness(canvas, room);
    const [width, height] = [Math.round(room.width * ratio), Math.round(room.height * ratio)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, room.width, room.height);
    onPaint(context, view, ratio);
  };
  const frame = makeFrameRequest(paint);

  const stage = {
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
      stage.fit();
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
  listenToPointers(stage, room, onPointer, controller.signal);
  listenToWheel(stage, room, { canZoom, onWheelUnused }, controller.signal);
  return stage;
}

/** Device pixels per CSS pixel as the canvas is shown now, hosts' CSS scaling included. */
function sharpness(canvas, room) {
  const shown = canvas.getBoundingClientRect().width || room.width;
  const exact = (shown / room.width) * (globalThis.devicePixelRatio || 1);
  const steps = Math.min(Math.max(Math.ceil(exact * 2) / 2, 1), 4);
  return Math.min(steps, MOST_PIXELS / Math.max(room.width, room.height));
}
