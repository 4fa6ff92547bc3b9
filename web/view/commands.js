/** Commands of the editor as a whole: panels, questions, files. */

import { chooseMotion, saveMotion } from "./exchange.js";
import { askSheet, keysSheet, menuSheet } from "./panels.js";

/** `desk` is {store, actions, stage, gestures, fullscreen, isReadOnly()}. */
export function makeCommands(desk) {
  const { store, actions, stage } = desk;
  let sheet = null;

  const show = (next) => {
    sheet?.close();
    sheet = next;
    if (sheet) desk.body.append(sheet.element);
  };
  const togglePanel = (name) => () => {
    const { panels } = store.state;
    store.set({ panels: { ...panels, [name]: !panels[name] } });
  };
  const toggle = (name) => () => store.set({ [name]: !store.state[name] });
  const importText = (text) => {
    try {
      actions.open(text);
    } catch (error) {
      store.set({ message: error.message });
    }
  };
  const clear = () => {
    if (!store.state.document.layers.length) return;
    show(askSheet("Remove everything drawn here?", "Clear", () => actions.clear()));
  };
  const entries = [
    ["Open a motion file…", "Replaces the drawing by a .motion.json", () => chooseMotion(importText)],
    ["Save as a motion file", "drawing.motion.json", () => saveMotion(store.state.document)],
    ["Clear…", "Removes everything drawn", clear],
    ["Keys", "All keys (?)", () => show(keysSheet())],
  ];

  return {
    fit: () => stage.fit(),
    toggleInspector: togglePanel("inspector"),
    toggleTimeline: togglePanel("timeline"),
    toggleLoop: toggle("isLooping"),
    toggleSketch: toggle("showsSketch"),
    toggleFullscreen: () => desk.fullscreen.toggle(),
    toggleMenu: () => show(sheet?.element.isConnected ? null : menuSheet(entries)),
    showKeys: () => show(sheet?.element.isConnected ? null : keysSheet()),
    importText,
    /** Esc: the topmost thing that can be left is left. */
    escape() {
      if (sheet?.element.isConnected) show(null);
      else if (desk.gestures.cancel()) return;
      else if (store.state.selection.size) actions.select([]);
      else desk.fullscreen.close();
    },
  };
}
