/** One animation frame when something changed, none otherwise. */

/** Calls `paint` once in the next frame, however often `request` is called before it. */
export function makeFrameRequest(paint) {
  let handle = 0;
  return {
    request() {
      handle ||= requestAnimationFrame(() => {
        handle = 0;
        paint();
      });
    },
    cancel() {
      cancelAnimationFrame(handle);
      handle = 0;
    },
  };
}
