/** The properties of what is selected; with nothing selected, of what will be drawn next. */

import { cellField, easingField, pointFields, timingButtons, timingFields } from "../layers/fields.js";
import { layerType } from "../layers/index.js";
import { layerOf } from "../model/document.js";
import { toolNamed } from "../tools/index.js";
import { make } from "./dom.js";
import { makeEasingEditor } from "./easing_editor.js";
import { choiceField, numberField, sliderField, wordButton } from "./fields.js";
import { layerTitle } from "./timeline_row.js";

const WATCHED = ["document", "selection", "point", "tool", "settings", "isSnapping", "clip", "panels", "time"];

/** `canvasSize()` is the size of the picture. */
export function makeInspector({ store, actions, canvasSize }) {
  const element = make("div", { className: "mp-inspector" });
  let open = null; // the title of the part that is open where there is room for one
  const update = () => {
    if (!store.state.panels.inspector) return;
    const layer = layerOf(store.state.document, [...store.state.selection].at(-1));
    const text = layer ? titleOf(layer, store.state) : "What comes next";
    const title = make("div", { className: "mp-title" }, text);
    const sections = layer
      ? layerSections(layer, { store, actions, size: canvasSize() })
      : toolSections({ store, actions });
    element.replaceChildren(title, tabs(sections, open, choose), ...sections);
  };
  const choose = (name) => {
    open = name;
    update();
  };
  store.subscribe((state, old) => {
    // While a field is being dragged its element must live.
    if (!state.preview && WATCHED.some((name) => state[name] !== old[name])) update();
  });
  update();
  return { element };
}

/** A row of the sections' titles, shown where only one section has room. */
function tabs(sections, open, choose) {
  const titled = sections.filter((section) => section.dataset.title);
  const shown = titled.find((section) => section.dataset.title === open) ?? titled[0];
  shown?.classList.add("mp-open");
  const buttons = titled.map((section) => {
    const { title } = section.dataset;
    const button = wordButton(title, title, () => choose(title), "mp-choice");
    button.ariaPressed = String(section === shown);
    return button;
  });
  return make("div", { className: "mp-choices mp-tabs" }, buttons);
}

function titleOf(layer, { selection }) {
  return selection.size > 1 ? `${layerTitle(layer)} and ${selection.size - 1} more` : layerTitle(layer);
}

function layerSections(layer, { store, actions, size }) {
  const { point, clip, time, selection } = store.state;
  const others = selection.size - 1;
  const type = layerType(layer);
  const hasPoint = point?.id === layer.id && layer.points?.[point.index];
  const bends = type.hasHandles?.(layer) ? store.state.document.drawn_on : null;
  const parts = [
    ...(hasPoint ? [{ title: "Point", fields: pointFields(layer, point.index, { size, clip, bends }) }] : []),
    ...type.parts(layer, { size, time }),
    ...(type.hasTiming ? [{ title: "Time", fields: [...timingFields(layer, { clip }), ...timingButtons(others)] }] : []),
    ...(type.hasTiming ? [{ title: "Easing", fields: [easingField(layer)] }] : []),
  ];
  const handlers = {
    change: (fields) => actions.change([layer.id], fields),
    preview: (fields) => actions.preview([layer.id], fields),
    add: (layer) => actions.add(layer),
    command: (name) => actions[name](),
  };
  return parts.map((part) => sectionOf(part, handlers));
}

function toolSections({ store, actions }) {
  const { tool, settings, isSnapping } = store.state;
  const ofTool = toolNamed(tool).parts?.(settings) ?? [];
  const parts = [...ofTool, ...(isSnapping ? [{ title: "Grid", fields: [cellField(settings)] }] : [])];
  if (!parts.length) return [make("div", { className: "mp-quiet" }, "Select a layer to see its properties.")];
  const handlers = {
    change: (fields) => store.set({ settings: { ...settings, ...fields } }),
    preview: () => {},
    add: (layer) => actions.add(layer),
  };
  return parts.map((part) => sectionOf(part, handlers));
}

function sectionOf({ title, fields }, handlers) {
  const elements = (isButton) =>
    fields.filter(({ kind }) => (kind === "button") === isButton).map((field) => fieldElement(field, handlers));
  const buttons = elements(true);
  const row = buttons.length ? make("div", { className: "mp-buttons" }, buttons) : null;
  return make("section", { className: "mp-part", data: { title } }, make("h4", {}, title), elements(false), row);
}

/** The element of a field that web/layers/fields.js describes. */
function fieldElement({ kind, change, ...field }, handlers) {
  const onChange = (value) => {
    const fields = change(value);
    if (fields) handlers.change(fields);
  };
  const onInput = (value) => handlers.preview(change(value));
  const makers = {
    slider: () => sliderField({ ...field, onInput, onChange }),
    number: () => numberField({ ...field, onChange }),
    choice: () => choiceField({ ...field, onChange }),
    easing: () => makeEasingEditor({ easing: field.value, onInput, onChange }),
    button: () => wordButton(field.label, field.title, () => (field.layer ? handlers.add(field.layer) : handlers.command(field.command))),
  };
  return makers[kind]();
}
