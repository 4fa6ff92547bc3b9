/**
 * Drag: a brush of tracks carried along a drawn path; the twin of
 * motion_core/document/layers/drag.py. It is drawn freehand or point by point.
 */

import { MOST_DOTS } from "../model/area_dots.js";
import { makeDotList, makeTracks } from "../model/dots.js";
import { pointerAt } from "../model/sample.js";
import { lengthToView } from "../model/viewport.js";
import { DEFAULT_BRUSH, MOST_RADIUS, brushHandle, grabBrush, sizedByAlt } from "./brush.js";
import { drawPathLayer, drawTracks } from "./drawing.js";
import { pacingField, percentField } from "./fields.js";
import { freehandTool } from "./freehand.js";
import { withGrab } from "./grab.js";
import { drawRing, drawSizer } from "./marks.js";
import { isRecorded, pathLine, pathTicks } from "./path.js";
import { pathTool } from "./path_tool.js";

const TYPE = "drag";
const RECORDED = [["recorded", "Recorded", "The hand's own timing"]];
const CURVES = [
  ["linear", "Straight", "Straight from point to point"],
  ["catmull_rom", "Smooth", "A smooth curve through the points"],
];
const HANDLES = [["bezier", "Bezier", "A curve bent by handles at its points"]];

export const DRAG = {
  type: TYPE,
  title: "Drag",
  tools: [
    {
      name: "drag",
      key: "d",
      label: "Draw a drag, recorded as you move",
      hint: "Press on what should move and draw its path. Alt+drag sizes the brush.",
      icon: '<path d="M2.5 11.5c1.6-6 4-8 5.6-6.300s-1.300 5.200.6 5.900c1.700.6 2.800-1.500 4.300-6.100"/><path d="M10.600 6.200l2.500-1.400.8 2.700"/>',
      showsBrush: true,
      make: () => withGrab(sizedByAlt(freehandTool(TYPE, nextBrush)), TYPE, grabBrush),
      parts: (settings) => [
        { title: "Next brush", fields: brushFields(settings.brush) },
        { title: "Next motion", fields: [pacingField(settings)] },
      ],
    },
    {
      name: "path",
      key: "p",
      label: "Place the points of a path",
      hint: "Click to place points, drag while placing to bend. Enter or a double click ends the path.",
      icon: '<path d="M3.500 11.500C5 6 7 5 8.300 7.500s3 2.500 4.200-3"/><circle class="f" cx="3.400" cy="12" r="1.700"/><circle class="f" cx="8.300" cy="7.600" r="1.700"/><circle class="f" cx="12.600" cy="4" r="1.700"/>',
      showsBrush: true,
      make: () => withGrab(pathTool(TYPE), TYPE, grabBrush),
      parts: (settings) => [
        { title: "Next brush", fields: brushFields(settings.brush) },
        { title: "Next line", fields: [curveField(settings, CURVES)] },
      ],
    },
  ],
  editTool: "path",
  hasPath: true,
  hasTiming: true,
  check(fields) {
    fields.path();
    fields.brush();
  },
  grab: grabBrush,
  tracks: dragTracks,
  outline: () => null,
  line: pathLine,
  ticks: pathTicks,
  draw(context, layer, style) {
    drawBrush(context, layer, style);
    drawPathLayer(context, layer, style, { hasHandles: true });
  },
  parts: (layer) => [
    { title: "Brush", fields: brushFields(layer.brush) },
    { title: "Line", fields: [curveField(layer, [...RECORDED, ...CURVES, ...HANDLES])] },
  ],
  canSelectPoint: (layer) => !isRecorded(layer),
  canMovePoint: (layer) => !isRecorded(layer),
  hasHandles: (layer) => !isRecorded(layer),
};

const nextBrush = ({ brush }) => ({ brush: { ...brush } });

/** The dots of a brush around a point, flat: the very points that expansion will track. */
export function brushDots([x, y], brush, size) {
  const { radius, spacing, shape } = { ...DEFAULT_BRUSH, ...brush };
  const reach = (radius / spacing) * (1 + 1e-9);
  const steps = Math.floor(reach);
  const unit = spacing * Math.min(size.width, size.height);
  const list = makeDotList();
  const most = (2 * steps + 1) ** 2 <= MOST_DOTS ? steps : 0; // one dot where it is too dense
  for (let row = -most; row <= most; row += 1) {
    for (let column = -most; column <= most; column += 1) {
      if (shape === "round" && row * row + column * column > reach * reach) continue;
      list.add(x + (column * unit) / size.width, y + (row * unit) / size.height);
    }
  }
  return list.dots();
}

/** How much of the pointer's displacement each dot of a brush follows: 1 when rigid. */
export function pullWeights(dots, start, brush, size) {
  const { radius, falloff } = { ...DEFAULT_BRUSH, ...brush };
  const weights = new Float64Array(dots.length / 2).fill(1);
  if (falloff !== "gaussian" || radius === 0) return weights;
  const short = Math.min(size.width, size.height);
  const sigma = radius / 2;
  for (let dot = 0; dot < weights.length; dot += 1) {
    const dx = ((dots[2 * dot] - start[0]) * size.width) / short;
    const dy = ((dots[2 * dot + 1] - start[1]) * size.height) / short;
    weights[dot] = Math.exp((-0.5 * (dx * dx + dy * dy)) / (sigma * sigma));
  }
  return weights;
}

function dragTracks(layer, size, drawnOn) {
  const start = layer.points[0].slice(1);
  const dots = brushDots(start, layer.brush, size);
  const weights = pullWeights(dots, start, layer.brush, size);
  return makeTracks(dots, (xy, visible, time) => {
    const { point, isPresent } = pointerAt(layer, time, drawnOn);
    const [dx, dy] = [point[0] - start[0], point[1] - start[1]];
    for (let dot = 0; dot < weights.length; dot += 1) {
      xy[2 * dot] = dots[2 * dot] + weights[dot] * dx;
      xy[2 * dot + 1] = dots[2 * dot + 1] + weights[dot] * dy;
    }
    visible.fill(isPresent ? 1 : 0);
  });
}

/** The tracks where they are now; for a selected layer also the rim of the brush and its handle. */
function drawBrush(context, layer, style) {
  const { view, color, isSelected } = style;
  const brush = { ...DEFAULT_BRUSH, ...layer.brush };
  drawTracks(context, style.motions.of(layer, style), style, brush.spacing);
  if (!isSelected) return;
  const handle = brushHandle(layer, style);
  if (!handle) return;
  const radius = lengthToView(view, brush.radius);
  if (radius > 3 && brush.shape === "round") {
    drawRing(context, handle.middle, radius, { color, width: 1, dash: [3, 4] });
  }
  if (!layer.locked && style.selection.size === 1) drawSizer(context, handle.at, { color });
}

/** Radius, spacing, shape and falloff of a brush. */
function brushFields(brush) {
  const full = { ...DEFAULT_BRUSH, ...brush };
  const changeOf = (name) => (value) => ({ brush: { ...full, [name]: value } });
  const percent = (name, label, title, range) =>
    percentField({ label, title, ...range, value: full[name], change: changeOf(name) });
  const choice = (name, label, title, options) => ({
    kind: "choice",
    label,
    title,
    options,
    value: full[name],
    change: changeOf(name),
  });
  return [
    percent("radius", "Radius", "Of the short side; 0 is a single track", { min: 0, max: 100 * MOST_RADIUS, step: 0.5 }),
    percent("spacing", "Spacing", "Between tracks, of the short side", { min: 0.2, max: 10, step: 0.1 }),
    choice("shape", "Shape", "The outline of the brush", [["round", "Round"], ["square", "Square"]]),
    choice("falloff", "Pull", "How far out the drag pulls in full", [
      ["rigid", "Rigid", "Every track moves alike"],
      ["gaussian", "Soft", "Less pull further out"],
    ]),
  ];
}

function curveField(source, options) {
  return {
    kind: "choice",
    label: "Curve",
    title: "How the line runs between its points",
    options,
    value: source.curve ?? "recorded",
    change: (curve) => ({ curve }),
  };
}
