/**
 * The stage: one canvas, the pointers on it, and the view. It knows nothing of documents; it tells
 * its owner what the pointers do and asks it to paint.
 */

import { fitView, panBy, toPicture, zoomAt } from "../model/viewport.js";
import { make } from "./dom.js";
import { makeFrameRequest } from "./frame_request.js";

const MOST_PIXELS = 4096;
const WHEEL_STEP = 0.0016;

/**
 * `onPaint(context, view)`, `onPointer(kind, pointer)` with kind "down" | "move" | "up" | "cancel"
 * | "hover" | "leave" | "double", `canZoom()` says whether the wheel is ours, `onWheelUnused(event)`.
 */
export function makeStage({ onPaint, onPointer, canZoom, onWheelUnused }) {
  const canvas = make("canvas", { className: "mp-canvas" });
  const element = make("div", { className: "mp-stage" }, canvas);
  const context = canvas.getContext("2d");
  const room = { width: 0, height: 0 };
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
      pointers.stop();
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
  const pointers = listen(stage, { onPointer, canZoom, onWheelUnused, room });
  return stage;
}

/** Device pixels per CSS pixel as the canvas is shown now, hosts' CSS scaling included. */
function sharpness(canvas, room) {
  const shown = canvas.getBoundingClientRect().width || room.width;
  const exact = (shown / room.width) * (globalThis.devicePixelRatio || 1);
  const steps = Math.min(Math.max(Math.ceil(exact * 2) / 2, 1), 4);
  return Math.min(steps, MOST_PIXELS / Math.max(room.width, room.height));
}

function listen(stage, { onPointer, canZoom, onWheelUnused, room }) {
  const { canvas } = stage;
  const touches = new Map(); // pointer id -> view point, of fingers on the stage
  let active = null; // { id, kind: "tool" | "pan" | "pinch" }
  const controller = new AbortController();
  const on = (name, listener, options = {}) =>
    canvas.addEventListener(name, listener, { signal: controller.signal, ...options });

  /** The view point under an event: hosts scale the canvas by CSS, so ratios, not offsets. */
  const screenOf = ({ clientX, clientY }) => {
    const shown = canvas.getBoundingClientRect();
    return [
      ((clientX - shown.left) * room.width) / (shown.width || 1),
      ((clientY - shown.top) * room.height) / (shown.height || 1),
    ];
  };
  const pointerOf = (event, screen = screenOf(event)) => ({
    point: toPicture(stage.view, screen),
    screen,
    seconds: event.timeStamp / 1000,
    shift: event.shiftKey,
    alt: event.altKey,
    ctrl: event.ctrlKey || event.metaKey,
  });

  on("pointerdown", (event) => {
    const screen = screenOf(event);
    canvas.setPointerCapture(event.pointerId);
    if (event.pointerType === "touch") touches.set(event.pointerId, screen);
    if (touches.size === 2) {
      if (active?.kind === "tool") onPointer("cancel", pointerOf(event, screen));
      active = { kind: "pinch" };
      return;
    }
    if (active) return;
    const isPan = event.button === 1 || stage.isPanning;
    if (event.button > 1) return;
    active = { id: event.pointerId, kind: isPan ? "pan" : "tool", last: screen };
    if (!isPan) onPointer("down", pointerOf(event, screen));
  });

  const moveTouch = (event) => {
    const before = [...touches.values()];
    touches.set(event.pointerId, screenOf(event));
    if (active?.kind === "pinch" && touches.size === 2) pinch(stage, before, [...touches.values()]);
  };

  on("pointermove", (event) => {
    if (touches.has(event.pointerId)) moveTouch(event);
    if (active?.kind === "pinch") return;
    if (!active) {
      onPointer("hover", pointerOf(event));
      return;
    }
    if (event.pointerId !== active.id) return;
    if (active.kind === "pan") {
      const screen = screenOf(event);
      stage.pan(screen[0] - active.last[0], screen[1] - active.last[1]);
      active.last = screen;
      return;
    }
    const steps = event.getCoalescedEvents?.() ?? [];
    for (const step of steps.length ? steps : [event]) onPointer("move", pointerOf(step));
  });

  const finish = (kind) => (event) => {
    touches.delete(event.pointerId);
    if (active?.kind === "pinch") {
      if (!touches.size) active = null;
      return;
    }
    if (!active || event.pointerId !== active.id) return;
    const done = active;
    active = null;
    if (done.kind === "tool") onPointer(kind, pointerOf(event));
  };
  on("pointerup", finish("up"));
  on("pointercancel", finish("cancel"));
  on("pointerleave", (event) => !active && onPointer("leave", pointerOf(event)));
  on("dblclick", (event) => onPointer("double", pointerOf(event)));
  on("contextmenu", (event) => {
    event.preventDefault();
    event.stopPropagation();
  });
  on("auxclick", (event) => event.button === 1 && event.preventDefault());

  const wheel = (event) => {
    if (!canZoom(event)) {
      onWheelUnused(event);
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
    stage.zoom(Math.exp(-pixels * WHEEL_STEP), screenOf(event));
  };
  on("wheel", wheel, { passive: false });
  return { stop: () => controller.abort() };
}

function pinch(stage, [a, b], [c, d]) {
  const middle = ([p, q]) => [(p[0] + q[0]) / 2, (p[1] + q[1]) / 2];
  const span = ([p, q]) => Math.max(Math.hypot(p[0] - q[0], p[1] - q[1]), 1);
  const [from, to] = [middle([a, b]), middle([c, d])];
  stage.pan(to[0] - from[0], to[1] - from[1]);
  stage.zoom(span([c, d]) / span([a, b]), to);
}
