/**
 * The same editor over the whole page, and back again. It lies in the top layer as a popover and is
 * no modal dialog: while one of those is open the host ignores the keys of undo and redo.
 */

import { make } from "./dom.js";

/** `body` moves between its place in `home` and the popover. */
export function makeFullscreen(home, body, onChange) {
  let cover = null;
  const close = () => {
    if (!cover) return;
    const closing = cover;
    cover = null;
    home.append(body);
    closing.remove();
    onChange(false);
  };
  const open = () => {
    if (cover) return;
    cover = make("div", { className: "mp-cover", popover: "manual", role: "dialog" });
    for (const name of ["pointerdown", "wheel", "keydown"]) {
      cover.addEventListener(name, (event) => event.stopPropagation());
    }
    document.body.append(cover);
    cover.append(focusGuard(body), body, focusGuard(body));
    cover.showPopover();
    onChange(true);
  };
  return {
    get isOpen() {
      return cover !== null;
    },
    toggle: () => (cover ? close() : open()),
    open,
    close,
  };
}

/** An invisible stop of the Tab key at either end, so that the focus stays on the cover. */
function focusGuard(body) {
  return make("span", { tabIndex: 0, on: { focus: () => body.focus({ preventScroll: true }) } });
}
