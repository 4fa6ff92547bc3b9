/** One layer in the timeline. */

import { layerType } from "../layers/index.js";
import { word } from "../model/words.js";
import { make, setPlainText } from "./dom.js";
import { icon } from "./icons.js";
import { iconButton, mark } from "./toolbar.js";

const LONGEST_NAME = 200;
const FALLBACK_COLOR = "#4dc9ff";

/** What a layer without a name is called: its type and number. */
export function layerTitle(layer) {
  const number = layer.id.match(/-(\d+)$/)?.[1];
  return layer.name || `${word(layerType(layer).title)}${number ? ` ${number}` : ""}`;
}

/** The elements of a row, and nothing of its state. */
export function makeRow(layer, { store, actions }) {
  const { id } = layer;
  const now = () => store.state.document.layers.find((layer) => layer.id === id);
  const color = make("input", {
    type: "color",
    className: "mp-color",
    title: "Color",
    on: { change: (event) => actions.change([id], { color: event.target.value }) },
  });
  const name = make("span", { className: "mp-name", data: { grab: "row" } });
  const eye = iconButton("eye", "Show or leave out", () =>
    actions.change([id], (layer) => ({ enabled: layer.enabled === false })),
  );
  const lock = iconButton("unlocked", "Lock or unlock", () =>
    actions.change([id], (layer) => ({ locked: !layer.locked })),
  );
  const bar = make("div", { className: "mp-bar", data: { grab: "bar" } });
  const lane = make("div", { className: "mp-lane" }, bar);
  const mark = make("span", { className: "mp-kind", data: { grab: "row" } }, icon(layerType(layer).tools[0].name));
  const head = make("div", { className: "mp-head" }, color, mark, name, eye, lock);
  head.addEventListener("dblclick", (event) => {
    if (!event.target.closest("button, input")) rename(name, now(), actions);
  });
  const element = make("div", { className: "mp-row", role: "listitem", data: { layer: id } }, head, lane);
  return { element, color, name, eye, lock, bar, shown: null };
}

/** Brings a row up to date with its layer. */
export function updateRow(row, layer, isSelected) {
  row.element.classList.toggle("mp-chosen", isSelected);
  if (row.shown === layer) return;
  row.shown = layer;
  const isOff = layer.enabled === false;
  row.element.classList.toggle("mp-off", isOff);
  row.element.style.setProperty("--mp-layer", layer.color ?? FALLBACK_COLOR);
  if (row.color.value !== layer.color) row.color.value = layer.color ?? FALLBACK_COLOR;
  if (!row.name.querySelector("input")) setPlainText(row.name, layerTitle(layer));
  row.name.title = layerTitle(layer);
  swapIcon(row.eye, isOff ? "hidden" : "eye", isOff);
  swapIcon(row.lock, layer.locked ? "locked" : "unlocked", layer.locked);
  updateBar(row.bar, layer);
}

function updateBar(bar, layer) {
  const { start = 0, end = 1, before = "hold", after = "hold" } = layer;
  const isTimed = layerType(layer).hasTiming;
  bar.classList.toggle("mp-still", !isTimed);
  bar.dataset.grab = isTimed ? "bar" : "row";
  bar.style.left = `${(isTimed ? start : 0) * 100}%`;
  bar.style.width = `${(isTimed ? end - start : 1) * 100}%`;
  bar.dataset.before = isTimed ? before : "";
  bar.dataset.after = isTimed ? after : "";
  bar.replaceChildren(...(isTimed ? barParts(layer) : []));
}

function barParts(layer) {
  const keyTimes = layerType(layer).keyTimes?.(layer) ?? [];
  const edge = (kind, title) =>
    make("div", { className: `mp-edge mp-edge-${kind}`, title, data: { grab: kind } });
  const diamonds = keyTimes.map((time, index) =>
    make("div", {
      className: "mp-key",
      title: "A key: drag it in time",
      style: { left: `${time * 100}%` },
      data: { grab: "key", key: index },
    }),
  );
  return [...diamonds, edge("start", "Start"), edge("end", "End")];
}

function swapIcon(button, name, isOn) {
  button.replaceChildren(icon(name));
  mark(button, isOn);
}

function rename(label, layer, actions) {
  const input = make("input", {
    className: "mp-rename",
    value: layer.name || layerTitle(layer),
    maxLength: LONGEST_NAME,
  });
  const done = (isKept) => {
    const text = input.value.trim();
    input.remove();
    setPlainText(label, layerTitle(layer));
    if (isKept && text !== layerTitle(layer)) actions.change([layer.id], { name: text });
  };
  input.addEventListener("blur", () => input.isConnected && done(true));
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter" || event.key === "Escape") done(event.key === "Enter");
  });
  label.replaceChildren(input);
  input.focus();
  input.select();
}
