/** The stage from the bottom to the top: picture, frame, layers, brush, selection box. */

import { bounds } from "../../model/geometry.js";
import { lengthToView, toView } from "../../model/viewport.js";
import { CASING, drawRing } from "./brushwork.js";
import { drawLayer } from "./layers.js";

const GRID_PARTS = 8;

/**
 * Paints what lies under the gesture: picture, frame and the layers in `scene.atRest`. `scene` is
 * {view, time, size, drawnOn, frames, book, tool, point, selection, atRest, inHand, box, hover,
 * brush, picture, moved}: the picture and the live preview of it, or null.
 */
export function paintGround(context, scene) {
  paintPicture(context, scene);
  paintFrame(context, scene.view);
  paintLayers(context, scene, scene.atRest);
}

/** Paints what the gesture changes, on top: the layers in `scene.inHand`, the brush, the box. */
export function paintGesture(context, scene) {
  paintLayers(context, scene, scene.inHand);
  paintBrush(context, scene);
  if (scene.box) paintBox(context, scene.box);
}

function paintLayers(context, scene, layers) {
  for (const layer of layers) {
    if (layer.enabled === false) continue;
    const isSelected = scene.selection.has(layer.id);
    const isFaint = layer.locked || (!isSelected && scene.selection.size > 0);
    drawLayer(context, layer, scene, { isSelected, isFaint });
  }
}

/** The box of the picture in view pixels: [left, top, width, height]. */
export function pictureBox({ left, top, scale, size }) {
  return [left, top, size.width * scale, size.height * scale];
}

function paintPicture(context, { view, picture, moved }) {
  const [left, top, width, height] = pictureBox(view);
  if (picture) {
    context.imageSmoothingEnabled = view.scale < 4;
    context.imageSmoothingQuality = "high";
    // Where the moved picture has torn, the still one shows through faintly.
    context.globalAlpha = moved ? 0.3 : 1;
    context.drawImage(picture, left, top, width, height);
    context.globalAlpha = 1;
    if (moved) context.drawImage(moved, left, top, width, height);
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

function paintFrame(context, view) {
  const [left, top, width, height] = pictureBox(view);
  context.lineWidth = 1;
  context.strokeStyle = CASING;
  context.strokeRect(left - 0.5, top - 0.5, width + 1, height + 1);
  context.strokeStyle = "rgba(255, 255, 255, 0.28)";
  context.strokeRect(left - 1.5, top - 1.5, width + 3, height + 3);
}

function paintBrush(context, { view, hover, brush, tool }) {
  if (!hover || !brush || (tool !== "drag" && tool !== "path")) return;
  const radius = lengthToView(view, brush.radius);
  context.globalAlpha = 0.7;
  drawRing(context, toView(view, hover), Math.max(radius, 2), {
    color: "#ffffff",
    width: 1,
    dash: [3, 3],
  });
  context.globalAlpha = 1;
}

function paintBox(context, corners) {
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
