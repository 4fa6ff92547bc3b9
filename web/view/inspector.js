/** The properties of what is selected; with nothing selected, of what will be drawn next. */

import { hasPath, hasTiming, layerOf } from "../model/document.js";
import { make } from "./dom.js";
import { makeEasingEditor } from "./easing_editor.js";
import { choiceField, wordButton } from "./fields.js";
import {
  brushFields,
  keyFields,
  pointFields,
  shapeFields,
  timingFields,
} from "./inspector_fields.js";
import { layerTitle } from "./timeline_row.js";

const CURVES = [
  ["linear", "Straight", "Straight from point to point"],
  ["catmull_rom", "Smooth", "A smooth curve through the points"],
];

/** `desk` is {store, actions, size()}. */
export function makeInspector(desk) {
  const { store } = desk;
  const element = make("div", { className: "mp-inspector" });
  let open = null; // the title of the part that is open where there is room for one
  const update = () => {
    if (!store.state.panels.inspector) return;
    const layer = layerOf(store.state.document, [...store.state.selection].at(-1));
    const title = make("div", { className: "mp-title" }, layer ? titleOf(layer, store.state) : "What comes next");
    const parts = layer ? layerParts(desk, layer) : toolParts(desk);
    element.replaceChildren(title, tabs(parts, open, choose), ...parts);
  };
  const choose = (name) => {
    open = name;
    update();
  };
  store.subscribe((state, old) => {
    const names = ["document", "selection", "point", "tool", "settings", "clip", "panels", "time"];
    // While a field is being dragged its element must live.
    if (!state.preview && names.some((name) => state[name] !== old[name])) update();
  });
  update();
  return { element };
}

/** A row of the parts' titles, shown where only one part has room. */
function tabs(parts, open, choose) {
  const titled = parts.filter((part) => part.dataset.title);
  const shown = titled.find((part) => part.dataset.title === open) ?? titled[0];
  shown?.classList.add("mp-open");
  const buttons = titled.map((part) => {
    const { title } = part.dataset;
    const button = wordButton(title, title, () => choose(title), "mp-choice");
    button.ariaPressed = String(part === shown);
    return button;
  });
  return make("div", { className: "mp-choices mp-tabs" }, buttons);
}

function titleOf(layer, { selection }) {
  return selection.size > 1 ? `${layerTitle(layer)} and ${selection.size - 1} more` : layerTitle(layer);
}

function layerParts(desk, layer) {
  const { store, actions } = desk;
  const { point } = store.state;
  const change = (fields) => actions.change([layer.id], fields);
  const preview = (fields) => actions.preview([layer.id], fields);
  const tools = { change, preview, layer, desk };
  const hasPoint = point?.id === layer.id && layer.points?.[point.index];
  return [
    ...(hasPoint ? [part("Point", pointFields(tools, point.index))] : []),
    ...(layer.type === "drag" ? [part("Brush", brushFields(layer.brush, tools))] : []),
    ...(layer.type === "drag" ? [part("Line", [curveField(layer, change)])] : []),
    ...(hasPath(layer) && layer.type !== "sphere" ? [] : [part("Area", shapeFields(tools))]),
    ...(layer.type === "region" ? [part("Pose", keyFields(tools))] : []),
    ...(hasTiming(layer) ? [part("Time", timingFields(tools))] : []),
    ...(hasTiming(layer) ? [part("Easing", [easingOf(tools)])] : []),
  ];
}

function toolParts({ store, actions }) {
  const { tool, settings } = store.state;
  const setBrush = (fields) => store.set({ settings: { ...settings, brush: { ...settings.brush, ...fields.brush } } });
  const brush = part("Next brush", brushFields(settings.brush, { change: setBrush, preview: () => {} }));
  const curve = part("Next line", [
    curveField(settings, (fields) => store.set({ settings: { ...settings, ...fields } })),
  ]);
  const parts = {
    drag: [brush],
    path: [brush, curve],
    pin: [
      part("Areas", [
        wordButton("Pin all the rest", "Holds still whatever no moving layer covers", () =>
          actions.add({ type: "pin", name: "The rest", area: "background", spacing: 0.04 }),
        ),
        wordButton("Pin the mask", "Holds still the area of the mask input", () =>
          actions.add({ type: "pin", name: "Mask", area: "mask", spacing: 0.04 }),
        ),
      ]),
    ],
    region: [
      part("Areas", [
        wordButton("Use the mask", "A region of the mask input's shape", () =>
          actions.add({ type: "region", name: "Mask", area: "mask", keys: [{ t: 0 }], spacing: 0.03 }),
        ),
      ]),
    ],
  };
  const hint = make("div", { className: "mp-quiet" }, "Select a layer to see its properties.");
  return parts[tool] ?? [hint];
}

function curveField(source, change) {
  const recorded = [["recorded", "Recorded", "The hand's own timing"]];
  return choiceField({
    label: "Curve",
    title: "How the line runs between its points",
    options: source.points ? [...recorded, ...CURVES] : CURVES,
    value: source.curve ?? "recorded",
    onChange: (curve) => change({ curve }),
  });
}

function easingOf({ layer, change, preview }) {
  return makeEasingEditor({
    easing: layer.easing ?? "linear",
    onInput: (easing) => preview({ easing }),
    onChange: (easing) => change({ easing }),
  });
}

function part(title, children) {
  return make("section", { className: "mp-part", data: { title } }, make("h4", {}, title), children);
}
