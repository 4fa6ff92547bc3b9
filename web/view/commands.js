/** Commands of the editor as a whole: panels, dialogs, files. */

import { chooseMotion, saveMotion } from "./exchange.js";
import { confirmDialog, keysDialog, menuDialog } from "./dialogs.js";

/** The commands; dialogs are put into `body`. */
export function makeCommands({ store, body, actions, canvasView, gestures, fullscreen }) {
  let dialog = null;

  const show = (next) => {
    dialog?.close();
    dialog = next;
    if (dialog) body.append(dialog.element);
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
    show(confirmDialog("Remove everything drawn here?", "Clear", () => actions.clear()));
  };
  const entries = [
    ["Open a motion file…", "Replaces the drawing by a .motion.json", () => chooseMotion(importText)],
    ["Save as a motion file", "drawing.motion.json", () => saveMotion(store.state.document)],
    ["Clear…", "Removes everything drawn", clear],
    ["Keys", "All keys (?)", () => show(keysDialog())],
  ];

  return {
    fit: () => canvasView.fit(),
    toggleInspector: togglePanel("inspector"),
    toggleTimeline: togglePanel("timeline"),
    toggleLoop: toggle("isLooping"),
    toggleSketch: toggle("showsSketch"),
    toggleMarks: toggle("showsMarks"),
    toggleSnapping: toggle("isSnapping"),
    toggleFullscreen: () => fullscreen.toggle(),
    toggleMenu: () => show(dialog?.element.isConnected ? null : menuDialog(entries)),
    showKeys: () => show(dialog?.element.isConnected ? null : keysDialog()),
    importText,
    /** Esc closes or cancels the topmost of dialog, gesture, selection and full screen. */
    escape() {
      if (dialog?.element.isConnected) show(null);
      else if (gestures.cancel()) return;
      else if (store.state.selection.size) actions.select([]);
      else fullscreen.close();
    },
  };
}
