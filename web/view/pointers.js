/** Mouse, pen and fingers on the canvas: one of them draws, two fingers or a middle button pan. */

import { toPicture } from "../model/viewport.js";

const WHEEL_STEP = 0.0016;

/** Calls `onPointer(kind, pointer)` for the pointer that draws; moves the view by the others. */
export function listenToPointers(canvasView, room, onPointer, signal) {
  const { canvas } = canvasView;
  const on = (name, listener) => canvas.addEventListener(name, listener, { signal });
  const gesture = { touches: new Map(), active: null }; // active: { id, kind: "tool" | "pan" | "pinch" }
  const screenOf = (event) => screenUnder(canvas, room, event);
  const emit = (kind, event) => onPointer(kind, pointerOf(canvasView, screenOf(event), event));

  on("pointerdown", (event) => press(canvasView, gesture, { event, screen: screenOf(event), emit }));
  on("pointermove", (event) => move(canvasView, gesture, { event, screen: screenOf(event), emit }));
  on("pointerup", (event) => release(gesture, "up", { event, emit }));
  on("pointercancel", (event) => release(gesture, "cancel", { event, emit }));
  on("pointerleave", (event) => !gesture.active && emit("leave", event));
  on("dblclick", (event) => emit("double", event));
  on("auxclick", (event) => event.button === 1 && event.preventDefault());
  on("contextmenu", (event) => {
    event.preventDefault();
    event.stopPropagation();
  });
}

/** The wheel zooms about the pointer where `canZoom(event)`; else the owner receives it. */
export function listenToWheel(canvasView, room, { canZoom, onWheelUnused }, signal) {
  const turn = (event) => {
    if (!canZoom(event)) {
      onWheelUnused(event);
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
    canvasView.zoom(Math.exp(-pixels * WHEEL_STEP), screenUnder(canvasView.canvas, room, event));
  };
  canvasView.canvas.addEventListener("wheel", turn, { signal, passive: false });
}

/** The view point under an event: hosts scale the canvas by CSS, so ratios, not offsets. */
function screenUnder(canvas, room, { clientX, clientY }) {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  return [
    ((clientX - left) * room.width) / (width || 1),
    ((clientY - top) * room.height) / (height || 1),
  ];
}

function pointerOf(canvasView, screen, event) {
  return {
    point: toPicture(canvasView.view, screen),
    screen,
    seconds: event.timeStamp / 1000,
    shift: event.shiftKey,
    alt: event.altKey,
    ctrl: event.ctrlKey || event.metaKey,
  };
}

function press(canvasView, gesture, { event, screen, emit }) {
  canvasView.canvas.setPointerCapture(event.pointerId);
  if (event.pointerType === "touch") gesture.touches.set(event.pointerId, screen);
  if (gesture.touches.size === 2) {
    if (gesture.active?.kind === "tool") emit("cancel", event);
    gesture.active = { kind: "pinch" };
    return;
  }
  if (gesture.active || event.button > 1) return;
  const isPan = event.button === 1 || canvasView.isPanning;
  gesture.active = { id: event.pointerId, kind: isPan ? "pan" : "tool", last: screen };
  if (!isPan) emit("down", event);
}

function move(canvasView, gesture, { event, screen, emit }) {
  const { active, touches } = gesture;
  if (touches.has(event.pointerId)) {
    const before = [...touches.values()];
    touches.set(event.pointerId, screen);
    if (active?.kind === "pinch" && touches.size === 2) pinch(canvasView, before, [...touches.values()]);
  }
  if (!active) emit("hover", event);
  if (event.pointerId !== active?.id) return;
  if (active.kind === "pan") {
    canvasView.wasPanned = true;
    canvasView.pan(screen[0] - active.last[0], screen[1] - active.last[1]);
    active.last = screen;
    return;
  }
  const steps = event.getCoalescedEvents?.() ?? [];
  for (const step of steps.length ? steps : [event]) emit("move", step);
}

function release(gesture, kind, { event, emit }) {
  gesture.touches.delete(event.pointerId);
  if (gesture.active?.kind === "pinch") {
    if (!gesture.touches.size) gesture.active = null;
    return;
  }
  if (event.pointerId !== gesture.active?.id) return;
  const { kind: activeKind } = gesture.active;
  gesture.active = null;
  if (activeKind === "tool") emit(kind, event);
}

function pinch(canvasView, [a, b], [c, d]) {
  const middle = ([p, q]) => [(p[0] + q[0]) / 2, (p[1] + q[1]) / 2];
  const span = ([p, q]) => Math.max(Math.hypot(p[0] - q[0], p[1] - q[1]), 1);
  const [from, to] = [middle([a, b]), middle([c, d])];
  canvasView.pan(to[0] - from[0], to[1] - from[1]);
  canvasView.zoom(span([c, d]) / span([a, b]), to);
}
