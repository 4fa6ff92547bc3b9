/** Making elements. Their texts appear in the user's language. */

import { word } from "../model/words.js";

const TEXTS = new Set(["title", "ariaLabel", "placeholder"]);

/**
 * An element: `props` are properties and attributes; `on` holds listeners, `style` CSS properties
 * (also custom ones), `data` data attributes. Children may be elements, text, null or lists of these.
 */
export function make(tag, props = {}, ...children) {
  const { on = {}, style = {}, data = {}, ...rest } = props;
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(rest)) assign(element, name, value);
  for (const [name, listener] of Object.entries(on)) element.addEventListener(name, listener);
  for (const [name, value] of Object.entries(style)) element.style.setProperty(name, value);
  Object.assign(element.dataset, data);
  const parts = children.flat(Infinity).filter((child) => child !== null && child !== undefined);
  element.append(...parts.map((part) => (typeof part === "string" ? word(part) : part)));
  return element;
}

/** Sets text only where it differs, so that an unchanged label costs no layout. */
export function setText(element, text) {
  setPlainText(element, word(text));
}

/** The same for what a person has written, such as names of layers. */
export function setPlainText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function assign(element, name, value) {
  if (value === undefined || value === null) return;
  if (TEXTS.has(name)) value = word(value);
  if (name in element && name !== "list") element[name] = value;
  else element.setAttribute(name, value);
}
