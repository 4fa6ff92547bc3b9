/** Input fields of the inspector: each reports while it is dragged and once when it is released. */

import { make } from "./dom.js";

/**
 * A slider with its number. `scale` turns the stored value into the shown one (100 for percent).
 * `onInput(value)` while it moves, `onChange(value)` once at the end.
 */
export function sliderField({ label, title, min, max, step, unit = "", value, onInput, onChange }) {
  const shown = (number) => String(Math.round(number * 1000) / 1000);
  const range = make("input", { type: "range", min, max, step, value, title });
  const number = make("input", { type: "number", min, step, value: shown(value), title, ariaLabel: label });
  const clean = (text) => Math.max(Number.parseFloat(text), min);
  range.addEventListener("input", () => {
    number.value = shown(Number(range.value));
    onInput?.(Number(range.value));
  });
  range.addEventListener("change", () => onChange(Number(range.value)));
  number.addEventListener("change", () => {
    if (Number.isFinite(clean(number.value))) onChange(clean(number.value));
  });
  return field(label, title, [range, number, unit && make("span", { className: "mp-unit" }, unit)]);
}

/** A number alone; an empty field is reported as null. */
export function numberField({ label, title, value, step = 1, min, max, placeholder = "", onChange }) {
  const text = value === null ? "" : String(Math.round(value * 100) / 100);
  const input = make("input", { type: "number", value: text, step, title, placeholder, ariaLabel: label });
  if (min !== undefined) input.min = min;
  if (max !== undefined) input.max = max;
  input.addEventListener("change", () => {
    const number = Number.parseFloat(input.value);
    if (Number.isFinite(number)) onChange(number);
    else if (input.value === "") onChange(null);
  });
  return field(label, title, [input]);
}

/** A few choices side by side: [[value, name, title], ...]. */
export function choiceField({ label, title, options, value, onChange }) {
  const buttons = options.map(([key, name, hint]) =>
    make(
      "button",
      {
        type: "button",
        className: "mp-choice",
        title: hint ?? title,
        ariaPressed: String(key === value),
        on: { click: () => onChange(key) },
      },
      name,
    ),
  );
  return field(label, title, [make("div", { className: "mp-choices", role: "group" }, buttons)]);
}

/** A button with a text label. */
export function wordButton(label, title, onClick, className = "mp-word") {
  return make("button", { type: "button", className, title, on: { click: onClick } }, label);
}

function field(label, title, parts) {
  return make("label", { className: "mp-field", title }, make("span", {}, label), ...parts.filter(Boolean));
}
