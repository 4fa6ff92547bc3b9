/** Mouse, pen and fingers on the stage: one of them draws, two fingers or a middle button pan. */

import { toPicture } from "../model/viewport.js";

const WHEEL_STEP = 0.0016;

/** Tells `onPointer(kind, pointer)` of the pointer that draws; moves the view by the others. */
export function listenToPointers(stage, room, onPointer, signal) {
  const { canvas } = stage;
  const on = (name, listener) => canvas.addEventListener(name, listener, { signal });
  const hand = { touches: new Map(), active: null }; // active: { id, kind: "tool" | "pan" | "pinch" }
  const screenOf = (event) => screenUnder(canvas, room, event);
  const tell = (kind, event) => onPointer(kind, pointerOf(stage, screenOf(event), event));

  on("pointerdown", (event) => press(stage, hand, { event, screen: screenOf(event), tell }));
  on("pointermove", (event) => move(stage, hand, { event, screen: screenOf(event), tell }));
  on("pointerup", (event) => release(hand, "up", { event, tell }));
  on("pointercancel", (event) => release(hand, "cancel", { event, tell }));
  on("pointerleave", (event) => !hand.active && tell("leave", event));
  on("dblclick", (event) => tell("double", event));
  on("auxclick", (event) => event.button === 1 && event.preventDefault());
  on("contextmenu", (event) => {
    event.preventDefault();
    event.stopPropagation();
  });
}

/** The wheel zooms about the pointer where `canZoom(event)`; elsewhere it goes to its owner. */
export function listenToWheel(stage, room, { canZoom, onWheelUnused }, signal) {
  const turn = (event) => {
    if (!canZoom(event)) {
      onWheelUnused(event);
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
    stage.zoom(Math.exp(-pixels * WHEEL_STEP), screenUnder(stage.canvas, room, event));
  };
  stage.canvas.addEventListener("wheel", turn, { signal, passive: false });
}

/** The view point under an event: hosts scale the canvas by CSS, so ratios, not offsets. */
function screenUnder(canvas, room, { clientX, clientY }) {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  return [
    ((clientX - left) * room.width) / (width || 1),
    ((clientY - top) * room.height) / (height || 1),
  ];
}

function pointerOf(stage, screen, event) {
  return {
    point: toPicture(stage.view, screen),
    screen,
    seconds: event.timeStamp / 1000,
    shift: event.shiftKey,
    alt: event.altKey,
    ctrl: event.ctrlKey || event.metaKey,
  };
}

function press(stage, hand, { event, screen, tell }) {
  stage.canvas.setPointerCapture(event.pointerId);
  if (event.pointerType === "touch") hand.touches.set(event.pointerId, screen);
  if (hand.touches.size === 2) {
    if (hand.active?.kind === "tool") tell("cancel", event);
    hand.active = { kind: "pinch" };
    return;
  }
  if (hand.active || event.button > 1) return;
  const isPan = event.button === 1 || stage.isPanning;
  hand.active = { id: event.pointerId, kind: isPan ? "pan" : "tool", last: screen };
  if (!isPan) tell("down", event);
}

function move(stage, hand, { event, screen, tell }) {
  const { active, touches } = hand;
  if (touches.has(event.pointerId)) {
    const before = [...touches.values()];
    touches.set(event.pointerId, screen);
    if (active?.kind === "pinch" && touches.size === 2) pinch(stage, before, [...touches.values()]);
  }
  if (!active) tell("hover", event);
  if (event.pointerId !== active?.id) return;
  if (active.kind === "pan") {
    stage.wasPanned = true;
    stage.pan(screen[0] - active.last[0], screen[1] - active.last[1]);
    active.last = screen;
    return;
  }
  const steps = event.getCoalescedEvents?.() ?? [];
  for (const step of steps.length ? steps : [event]) tell("move", step);
}

function release(hand, kind, { event, tell }) {
  hand.touches.delete(event.pointerId);
  if (hand.active?.kind === "pinch") {
    if (!hand.touches.size) hand.active = null;
    return;
  }
  if (event.pointerId !== hand.active?.id) return;
  const { kind: doing } = hand.active;
  hand.active = null;
  if (doing === "tool") tell(kind, event);
}

function pinch(stage, [a, b], [c, d]) {
  const middle = ([p, q]) => [(p[0] + q[0]) / 2, (p[1] + q[1]) / 2];
  const span = ([p, q]) => Math.max(Math.hypot(p[0] - q[0], p[1] - q[1]), 1);
  const [from, to] = [middle([a, b]), middle([c, d])];
  stage.pan(to[0] - from[0], to[1] - from[1]);
  stage.zoom(span([c, d]) / span([a, b]), to);
}
