/**
 * The edge of the timeline: dragging it gives the timeline more or less room. In full screen with an
 * upright picture the timeline stands beside it, and the edge moves to the sides.
 */

import { make } from "./dom.js";
import { keepPreferences, preferences } from "./preferences.js";

const LEAST_PX = 66; // the ruler and a row
const LEAST_SIDE_PX = 280;
const MOST_SHARE = 0.6; // of the editor
const STEP_PX = 20; // of a press of an arrow key

/** The edge of `timeline` within `body`; a double click goes back to the first size. */
export function makeSplitter({ body, timeline }) {
  const element = make("div", {
    className: "mp-splitter",
    role: "separator",
    tabIndex: 0,
    title: "Drag for more or less timeline; a double click resets it",
    ariaLabel: "Size of the timeline",
  });
  const sizes = { ...preferences().timeline };
  let grab = null; // { place, size, ratio } when the drag began

  const isSide = () => element.offsetHeight > element.offsetWidth;
  const place = () => (isSide() ? "side" : body.classList.contains("mp-wide") ? "wide" : "node");
  const sizeNow = () => (isSide() ? timeline.offsetWidth : timeline.offsetHeight);
  const show = () => {
    for (const name of ["node", "wide", "side"]) {
      const size = sizes[name];
      if (size) body.style.setProperty(`--mp-timeline-${name}`, `${size}px`);
      else body.style.removeProperty(`--mp-timeline-${name}`);
    }
  };
  const put = (size) => {
    const room = isSide() ? body.offsetWidth : body.offsetHeight;
    const least = isSide() ? LEAST_SIDE_PX : LEAST_PX;
    sizes[place()] = Math.round(Math.max(Math.min(size, MOST_SHARE * room), least));
    show();
  };
  const keep = () => keepPreferences({ timeline: sizes });
  const along = (event) => (isSide() ? event.clientX : event.clientY);

  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    // Hosts scale the editor by CSS.
    const ratio = body.getBoundingClientRect().height / (body.offsetHeight || 1);
    grab = { from: along(event), size: sizeNow(), ratio: ratio || 1 };
  });
  element.addEventListener("pointermove", (event) => {
    if (grab) put(grab.size + (grab.from - along(event)) / grab.ratio);
  });
  element.addEventListener("lostpointercapture", () => {
    if (grab) keep();
    grab = null;
  });
  element.addEventListener("dblclick", () => {
    delete sizes[place()];
    show();
    keep();
  });
  element.addEventListener("keydown", (event) => {
    const steps = { ArrowUp: 1, ArrowLeft: 1, ArrowDown: -1, ArrowRight: -1 }[event.key];
    if (!steps) return;
    event.preventDefault();
    event.stopPropagation();
    put(sizeNow() + steps * STEP_PX);
    keep();
  });
  show();
  return { element };
}
