/** The bar of tools and buttons. */

import { holdsRest } from "../layers/index.js";
import { TOOLS } from "../tools/index.js";
import { make } from "./dom.js";
import { icon } from "./icons.js";

/** The bar: a button for each tool, and those of the editor as a whole. */
export function makeToolbar({ store, gestures, actions, commands }) {
  const tools = TOOLS.map(({ name, key, label }) =>
    iconButton(name, `${label} (${key.toUpperCase()})`, () => gestures.setTool(name), { tool: name }),
  );
  const rest = iconButton("rest", "Hold the rest still: all that no moving layer covers (B)", actions.toggleRest, { command: "rest" });
  const snap = iconButton("grid", "Grid and snapping; Ctrl suspends it (G)", commands.toggleSnapping, { command: "snap" });
  const panels = [
    iconButton("sliders", "Properties (I)", commands.toggleInspector, { panel: "inspector" }),
    iconButton("timeline", "Layers and timeline (T)", commands.toggleTimeline, { panel: "timeline" }),
  ];
  const element = make(
    "div",
    { className: "mp-toolbar", role: "toolbar", ariaLabel: "Tools" },
    make("div", { className: "mp-group" }, tools),
    make("div", { className: "mp-group" }, rest, snap),
    make("div", { className: "mp-space" }),
    make("div", { className: "mp-group" }, [
      iconButton("fit", "Show the whole image (0)", commands.fit),
      ...panels,
      iconButton("expand", "Full screen (F)", commands.toggleFullscreen, { command: "fullscreen" }),
      iconButton("more", "File, clear, keys", commands.toggleMenu, { command: "menu" }),
    ]),
  );

  const update = (state) => {
    tools.forEach((button) => mark(button, button.dataset.tool === state.tool));
    panels.forEach((button) => mark(button, state.panels[button.dataset.panel]));
    mark(snap, state.isSnapping);
    mark(rest, state.document.layers.some(holdsRest));
  };
  store.subscribe((state, old) => {
    if (["tool", "panels", "document", "isSnapping"].some((name) => state[name] !== old[name])) update(state);
  });
  update(store.state);
  return { element };
}

/** A button of one icon; the tooltip is also its name for screen readers. */
export function iconButton(name, title, onClick, data = {}) {
  const props = { type: "button", className: "mp-button", title, ariaLabel: title, data };
  return make("button", { ...props, on: { click: (event) => onClick(event) } }, icon(name));
}

/** Shows a button as pressed or not. */
export function mark(button, isOn) {
  button.setAttribute("aria-pressed", String(Boolean(isOn)));
}
