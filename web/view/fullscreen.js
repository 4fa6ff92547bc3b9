/** The same editor in a dialog that fills the page, and back again. */

import { make } from "./dom.js";

/** `body` moves between its place in `home` and the dialog. */
export function makeFullscreen(home, body, onChange) {
  let dialog = null;
  const close = () => {
    if (!dialog) return;
    const closing = dialog;
    dialog = null;
    home.append(body);
    closing.close();
    closing.remove();
    onChange(false);
  };
  const open = () => {
    dialog = make("dialog", { className: "mp-dialog" });
    // Esc is the editor's own: it cancels the gesture first.
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.addEventListener("close", close);
    for (const name of ["pointerdown", "wheel", "keydown"]) {
      dialog.addEventListener(name, (event) => event.stopPropagation());
    }
    document.body.append(dialog);
    dialog.append(body);
    dialog.showModal();
    onChange(true);
  };
  return {
    get isOpen() {
      return dialog !== null;
    },
    toggle: () => (dialog ? close() : open()),
    close,
  };
}
