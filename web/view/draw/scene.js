/** The scene from the bottom to the top: picture, frame, layers, brush, selection box. */

import { bounds } from "../../model/geometry.js";
import { lengthToView, toView } from "../../model/viewport.js";
import { layerType } from "../../layers/index.js";
import { CASING, drawRing } from "../../layers/marks.js";
import { toolNamed } from "../../tools/index.js";

const GRID_PARTS = 8;
const LEAST_GRID_PX = 5;
const GRID_STROKES = [["rgba(10, 12, 16, 0.26)", []], ["rgba(255, 255, 255, 0.3)", [2, 2]]]; // on any picture
const GUIDE_COLOR = "#ff4fd8";
const FAINT = 0.45;
const FALLBACK_COLOR = "#4dc9ff";

/**
 * Draws what a gesture does not change: picture, frame and the layers in `scene.unchanged`. `scene`
 * is {view, time, size, drawnOn, frames, motions, tool, point, selection, unchanged, changing,
 * opacity, box, hover, brush, grid, guides, picture, warped}: how strongly layers are drawn, the grid's
 * cell or null, the picture, and the one moved by the live preview, or null.
 */
export function drawBackdrop(context, scene) {
  drawPicture(context, scene);
  drawFrame(context, scene.view);
  if (scene.grid) drawGrid(context, scene.view, scene.grid);
  drawLayers(context, scene, scene.unchanged, scene.opacity);
}

/** Draws what a gesture changes, on top: the layers in `scene.changing`, the brush, the box. */
export function drawForeground(context, scene) {
  drawLayers(context, scene, scene.changing, 1);
  drawBrushCursor(context, scene);
  if (scene.box) drawBox(context, scene.box);
  scene.guides.forEach((guide) => drawGuide(context, scene.view, guide));
}

function drawLayers(context, scene, layers, opacity) {
  const moves = (layer) => layer.enabled !== false && layerType(layer).hasTiming;
  const movers = [...scene.unchanged, ...scene.changing].filter(moves);
  for (const layer of opacity > 0 ? layers : []) {
    if (layer.enabled === false) continue;
    const isSelected = scene.selection.has(layer.id);
    const isFaint = layer.locked || (!isSelected && scene.selection.size > 0);
    context.globalAlpha = opacity * (isFaint ? FAINT : 1);
    const color = layer.color ?? FALLBACK_COLOR;
    layerType(layer).draw(context, layer, { ...scene, movers, color, isSelected, isFaint });
    context.globalAlpha = 1;
  }
}

/** The box of the picture in view pixels: [left, top, width, height]. */
export function pictureBox({ left, top, scale, size }) {
  return [left, top, size.width * scale, size.height * scale];
}

function drawPicture(context, { view, picture, warped }) {
  const [left, top, width, height] = pictureBox(view);
  if (picture) {
    context.imageSmoothingEnabled = view.scale < 4;
    context.imageSmoothingQuality = "high";
    // Where the warped picture has holes, the still one shows through faintly.
    context.globalAlpha = warped ? 0.3 : 1;
    context.drawImage(picture, left, top, width, height);
    context.globalAlpha = 1;
    if (warped) context.drawImage(warped, left, top, width, height);
    return;
  }
  context.fillStyle = "rgba(128, 132, 142, 0.16)";
  context.fillRect(left, top, width, height);
  context.strokeStyle = "rgba(128, 132, 142, 0.28)";
  context.lineWidth = 1;
  context.beginPath();
  for (let part = 1; part < GRID_PARTS; part += 1) {
    const x = Math.round(left + (width * part) / GRID_PARTS) + 0.5;
    const y = Math.round(top + (height * part) / GRID_PARTS) + 0.5;
    context.moveTo(x, top);
    context.lineTo(x, top + height);
    context.moveTo(left, y);
    context.lineTo(left + width, y);
  }
  context.stroke();
}

function drawFrame(context, view) {
  const [left, top, width, height] = pictureBox(view);
  context.lineWidth = 1;
  context.strokeStyle = CASING;
  context.strokeRect(left - 0.5, top - 0.5, width + 1, height + 1);
  context.strokeStyle = "rgba(255, 255, 255, 0.28)";
  context.strokeRect(left - 1.5, top - 1.5, width + 3, height + 3);
}

/** The lines of the grid over the picture; `cell` is a fraction of its short side. */
function drawGrid(context, view, cell) {
  const [left, top, width, height] = pictureBox(view);
  const step = lengthToView(view, cell);
  if (step < LEAST_GRID_PX) return;
  context.beginPath();
  for (let x = left + step; x < left + width - 1; x += step) {
    context.moveTo(Math.round(x) + 0.5, top);
    context.lineTo(Math.round(x) + 0.5, top + height);
  }
  for (let y = top + step; y < top + height - 1; y += step) {
    context.moveTo(left, Math.round(y) + 0.5);
    context.lineTo(left + width, Math.round(y) + 0.5);
  }
  context.lineWidth = 1;
  for (const [color, dash] of GRID_STROKES) {
    context.strokeStyle = color;
    context.setLineDash(dash);
    context.stroke();
  }
  context.setLineDash([]);
}

/** A level that holds the pointer, right across the picture. */
function drawGuide(context, view, { axis, at }) {
  context.beginPath();
  context.moveTo(...toView(view, axis ? [0, at] : [at, 0]));
  context.lineTo(...toView(view, axis ? [1, at] : [at, 1]));
  context.lineWidth = 1.25;
  context.strokeStyle = GUIDE_COLOR;
  context.stroke();
}

function drawBrushCursor(context, { view, hover, brush, tool }) {
  if (!hover || !brush || !toolNamed(tool)?.showsBrush) return;
  const radius = lengthToView(view, brush.radius);
  context.globalAlpha = 0.7;
  drawRing(context, toView(view, hover), Math.max(radius, 2), {
    color: "#ffffff",
    width: 1,
    dash: [3, 3],
  });
  context.globalAlpha = 1;
}

function drawBox(context, corners) {
  const { left, top, right, bottom } = bounds(corners);
  context.fillStyle = "rgba(91, 157, 255, 0.14)";
  context.fillRect(left, top, right - left, bottom - top);
  context.setLineDash([4, 3]);
  context.lineWidth = 1;
  context.strokeStyle = "#ffffff";
  context.strokeRect(left + 0.5, top + 0.5, right - left, bottom - top);
  context.lineDashOffset = 3.5;
  context.strokeStyle = "#10131a";
  context.strokeRect(left + 0.5, top + 0.5, right - left, bottom - top);
  context.setLineDash([]);
  context.lineDashOffset = 0;
}
