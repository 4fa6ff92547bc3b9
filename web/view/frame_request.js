/** One animation frame when something changed, none otherwise. */

/** Calls `draw` once in the next frame, however often `request` is called before it. */
export function makeFrameRequest(draw) {
  let handle = 0;
  return {
    request() {
      handle ||= requestAnimationFrame(() => {
        handle = 0;
        draw();
      });
    },
    cancel() {
      cancelAnimationFrame(handle);
      handle = 0;
    },
  };
}
