/** The curve of an easing with its two handles: time to the right, motion upwards. */

import { easeValue, easingHandles } from "../model/easing.js";
import { make } from "./dom.js";
import { wordButton } from "./fields.js";

const PRESETS = [
  ["linear", "Linear", "Even speed"],
  ["ease_in", "In", "Starts slowly"],
  ["ease_out", "Out", "Ends slowly"],
  ["ease_in_out", "In–out", "Starts and ends slowly"],
  [[0.34, 1.56, 0.64, 1], "Overshoot", "Overshoots the end and comes back"],
];
const [WIDTH, HEIGHT, PAD] = [120, 112, 7];
const [LOWEST, HIGHEST] = [-0.5, 1.6]; // of the motion shown; a document may hold -1 to 2
const SPAN = HIGHEST - LOWEST;
const DIAGONAL = [1 / 3, 1 / 3, 2 / 3, 2 / 3];

/** An element for one easing; `onInput(easing)` while dragged, `onChange(easing)` once. */
export function makeEasingEditor({ easing, onInput, onChange }) {
  const canvas = make("canvas", { className: "mp-easing", title: "Drag the handles" });
  let shown = easing;
  let grabbed = -1; // index of the grabbed handle's x among the four numbers
  const toCanvas = ([x, y]) => [PAD + x * (WIDTH - 2 * PAD), PAD + ((HIGHEST - y) / SPAN) * (HEIGHT - 2 * PAD)];

  const handles = () => easingHandles(shown) ?? DIAGONAL;
  const valueAt = (event) => {
    const box = canvas.getBoundingClientRect();
    const x = ((event.clientX - box.left) * WIDTH) / box.width;
    const y = ((event.clientY - box.top) * HEIGHT) / box.height;
    const clamp = (value, low, high) => Math.round(Math.min(Math.max(value, low), high) * 100) / 100;
    const motion = HIGHEST - ((y - PAD) / (HEIGHT - 2 * PAD)) * SPAN;
    return [clamp((x - PAD) / (WIDTH - 2 * PAD), 0, 1), clamp(motion, LOWEST, HIGHEST)];
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    const [x, y] = valueAt(event);
    const [x1, y1, x2, y2] = handles();
    grabbed = Math.hypot(x - x1, (y - y1) / SPAN) <= Math.hypot(x - x2, (y - y2) / SPAN) ? 0 : 2;
  });
  canvas.addEventListener("pointermove", (event) => {
    if (grabbed < 0) return;
    const next = [...handles()];
    [next[grabbed], next[grabbed + 1]] = valueAt(event);
    shown = next;
    drawEasing(canvas, shown, handles(), toCanvas);
    onInput(shown);
  });
  const end = (isKept) => () => {
    if (grabbed < 0) return;
    grabbed = -1;
    if (!isKept) shown = easing;
    onChange(shown);
  };
  canvas.addEventListener("pointerup", end(true));
  canvas.addEventListener("pointercancel", end(false));
  drawEasing(canvas, shown, handles(), toCanvas);
  const presets = PRESETS.map(([value, name, title]) => {
    const button = wordButton(name, title, () => onChange(value), "mp-choice");
    button.ariaPressed = String(JSON.stringify(value) === JSON.stringify(easing));
    return button;
  });
  return make(
    "div",
    { className: "mp-easing-box" },
    canvas,
    make("div", { className: "mp-choices mp-column", role: "group", ariaLabel: "Easing" }, presets),
  );
}

function drawEasing(canvas, easing, [x1, y1, x2, y2], toCanvas) {
  const ratio = 2;
  Object.assign(canvas, { width: WIDTH * ratio, height: HEIGHT * ratio });
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.strokeStyle = "rgba(140, 145, 155, 0.35)";
  const [left, bottom] = toCanvas([0, 0]);
  const [right, top] = toCanvas([1, 1]);
  context.strokeRect(left, top, right - left, bottom - top);
  context.strokeStyle = "rgba(140, 145, 155, 0.8)";
  drawLine(context, [toCanvas([0, 0]), toCanvas([x1, y1])]);
  drawLine(context, [toCanvas([1, 1]), toCanvas([x2, y2])]);
  context.strokeStyle = "#5b9dff";
  context.lineWidth = 2;
  drawLine(context, Array.from({ length: 49 }, (_, i) => toCanvas([i / 48, easeValue(easing, i / 48)])));
  for (const handle of [toCanvas([x1, y1]), toCanvas([x2, y2])]) {
    context.beginPath();
    context.arc(...handle, 4, 0, 2 * Math.PI);
    context.fillStyle = "#ffffff";
    context.fill();
    context.stroke();
  }
}

function drawLine(context, points) {
  context.beginPath();
  points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.stroke();
}
