/** Motion and pictures in and out: clipboard, drag and drop, files. */

import { writeDocument } from "../model/document.js";
import { make } from "./dom.js";
import { isTyping } from "./keyboard.js";

/**
 * While the editor has the focus, the page's clipboard events belong to it. The browser sends
 * them to the body, so only a listener of the window receives them before the host does.
 */
export function listenToClipboard(element, { actions, onPictureFile }, signal) {
  const isOurs = (event) => {
    const { activeElement } = document;
    return element.contains(activeElement) && !isTyping(activeElement) && !event.defaultPrevented;
  };
  const take = (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  const copy = (event) => {
    if (!isOurs(event)) return;
    const text = actions.copy();
    if (text) event.clipboardData?.setData("text/plain", text);
    if (text && event.type === "cut") actions.remove();
    take(event);
  };
  const paste = (event) => {
    if (!isOurs(event)) return;
    const picture = [...(event.clipboardData?.files ?? [])].find(isPicture);
    if (picture) onPictureFile(picture);
    else actions.paste(event.clipboardData?.getData("text/plain") ?? "");
    take(event);
  };
  const options = { capture: true, signal };
  window.addEventListener("copy", copy, options);
  window.addEventListener("cut", copy, options);
  window.addEventListener("paste", paste, options);
}

/** Dropped pictures become the background, dropped motion files the drawing. */
export function listenToDrops(element, { onPictureFile, onMotionText }, signal) {
  element.addEventListener("dragover", (event) => {
    if (![...event.dataTransfer.items].some((item) => item.kind === "file")) return;
    event.preventDefault();
    event.stopPropagation();
  }, { signal });
  element.addEventListener("drop", async (event) => {
    const [file] = event.dataTransfer.files;
    if (!file) return;
    event.preventDefault();
    event.stopPropagation();
    if (isPicture(file)) onPictureFile(file);
    else onMotionText(await file.text());
  }, { signal });
}

/** Lets the person save the drawing as a .motion.json file. */
export function saveMotion(document) {
  const url = URL.createObjectURL(new Blob([writeDocument(document)], { type: "application/json" }));
  make("a", { href: url, download: "drawing.motion.json" }).click();
  setTimeout(() => URL.revokeObjectURL(url));
}

/** Lets the person choose a motion file; its text goes to `onText`. */
export function chooseMotion(onText) {
  const input = make("input", { type: "file", accept: ".json,application/json" });
  input.addEventListener("change", async () => {
    if (input.files[0]) onText(await input.files[0].text());
  });
  input.click();
}

function isPicture({ type }) {
  return type.startsWith("image/");
}
