/** Marks that are visible on any picture: a dark casing under a bright line. */

export const CASING = "rgba(8, 10, 14, 0.72)";
export const PAPER = "#ffffff";
const TAU = 2 * Math.PI;
const MOST_SQUARE = 1.1; // pixels of a radius
const SQUARE_OF_DISC = Math.sqrt(Math.PI); // the side of a square as large as a disc of radius 1

/** A line through view points, cased. `dash` is a canvas dash pattern. */
export function strokeLine(context, points, { color, width = 2, closed = false, dash = [] }) {
  if (points.length < 2) return;
  context.beginPath();
  points.forEach(([x, y], index) => (index ? context.lineTo(x, y) : context.moveTo(x, y)));
  if (closed) context.closePath();
  context.lineJoin = context.lineCap = "round";
  strokeCased(context, { color, width, dash });
}

/** Strokes the current path with a dark casing under the line. */
function strokeCased(context, { color, width, dash }) {
  context.setLineDash([]);
  context.strokeStyle = CASING;
  context.lineWidth = width + 2.5;
  context.stroke();
  context.setLineDash(dash);
  context.strokeStyle = color;
  context.lineWidth = width;
  context.stroke();
  context.setLineDash([]);
}

/**
 * Many dots of one color in two passes, at view points x, y, x, y, …; `casing` is how far the dark
 * under them reaches out. Dots too small to look round are squares, which cost a quarter.
 */
export function fillDots(context, points, { color, radius = 2, casing = 1 }) {
  const passes = [[CASING, radius + casing], [color, radius]];
  for (const [fill, reach] of casing > 0 ? passes : passes.slice(1)) {
    context.fillStyle = fill;
    context.beginPath();
    if (reach <= MOST_SQUARE) addSquares(context, points, reach);
    else addDiscs(context, points, reach);
    context.fill();
  }
}

function addSquares(context, points, reach) {
  const side = reach * SQUARE_OF_DISC;
  for (let at = 0; at < points.length; at += 2) {
    context.rect(points[at] - side / 2, points[at + 1] - side / 2, side, side);
  }
}

function addDiscs(context, points, reach) {
  for (let at = 0; at < points.length; at += 2) {
    context.moveTo(points[at] + reach, points[at + 1]);
    context.arc(points[at], points[at + 1], reach, 0, TAU);
  }
}

/** A round handle to grab: white inside, the layer's color around. */
export function drawHandle(context, [x, y], { color, radius = 5, isActive = false }) {
  context.beginPath();
  context.arc(x, y, radius + 1.5, 0, TAU);
  context.fillStyle = CASING;
  context.fill();
  context.beginPath();
  context.arc(x, y, radius, 0, TAU);
  context.fillStyle = isActive ? color : PAPER;
  context.fill();
  context.lineWidth = 2;
  context.strokeStyle = isActive ? PAPER : color;
  context.stroke();
}

/** The knob of a point's handle: a small square, hollow where the curve sets it by itself. */
export function drawKnob(context, [x, y], { color, isActive = false, isFilled = true }) {
  const half = 3.5;
  context.fillStyle = CASING;
  context.fillRect(x - half - 1.5, y - half - 1.5, 2 * half + 3, 2 * half + 3);
  if (isFilled || isActive) {
    context.fillStyle = isActive ? color : PAPER;
    context.fillRect(x - half, y - half, 2 * half, 2 * half);
  }
  context.lineWidth = 1.5;
  context.strokeStyle = isActive ? PAPER : color;
  context.strokeRect(x - half, y - half, 2 * half, 2 * half);
}

/** The handle that sizes something round: a small diamond. */
export function drawSizer(context, [x, y], { color, half = 6 }) {
  context.beginPath();
  for (const [dx, dy] of [[half, 0], [0, half], [-half, 0], [0, -half]]) {
    context.lineTo(x + dx, y + dy);
  }
  context.closePath();
  context.lineJoin = "round";
  context.lineWidth = 4;
  context.strokeStyle = CASING;
  context.stroke();
  context.fillStyle = PAPER;
  context.fill();
  context.lineWidth = 1.75;
  context.strokeStyle = color;
  context.stroke();
}

/** A ring, cased. */
export function drawRing(context, [x, y], radius, { color, width = 2, dash = [] }) {
  context.beginPath();
  context.arc(x, y, Math.max(radius, 0), 0, TAU);
  strokeCased(context, { color, width, dash });
}

/** An arrow head at the end of a line of view points. */
export function drawArrowHead(context, points, { color, size = 9 }) {
  const tip = points.at(-1);
  const tail = points.findLast(([x, y]) => Math.hypot(x - tip[0], y - tip[1]) > size * 0.8);
  if (!tail) return;
  const angle = Math.atan2(tip[1] - tail[1], tip[0] - tail[0]);
  const wing = (turn) => [
    tip[0] - size * Math.cos(angle + turn),
    tip[1] - size * Math.sin(angle + turn),
  ];
  strokeLine(context, [wing(0.5), tip, wing(-0.5)], { color, width: 2.5 });
}

/** A small sign in the middle of a handle. */
export function drawGlyph(context, [x, y], glyph) {
  context.fillStyle = "#10131a";
  context.font = "9px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(glyph, x, y + 0.5);
}
