/** Playing the clip at the node's frame rate. Animation frames are requested only while it plays. */

import { frameAt } from "../model/store.js";

/** Plays the clip of the store. */
export function makePlayback({ store }) {
  let handle = 0;
  let origin = null; // { now, frame } when playing began

  const lastFrame = () => Math.max(store.state.clip.frames - 1, 1);

  const tick = (now) => {
    const { clip, isLooping, time } = store.state;
    origin ??= { now, frame: frameAt(time, clip) };
    const passed = origin.frame + Math.floor(((now - origin.now) / 1000) * clip.fps);
    const isOver = passed > lastFrame();
    if (isOver && !isLooping) {
      stop();
      store.set({ time: 0 });
      return;
    }
    const next = (passed % (lastFrame() + 1)) / lastFrame();
    if (next !== time) store.set({ time: next });
    handle = requestAnimationFrame(tick);
  };
  const stop = () => {
    cancelAnimationFrame(handle);
    handle = 0;
    if (store.state.isPlaying) store.set({ isPlaying: false });
  };
  const play = () => {
    if (handle) return;
    origin = null;
    const isAtEnd = store.state.time >= 1;
    store.set({ isPlaying: true, ...(isAtEnd ? { time: 0 } : {}) });
    handle = requestAnimationFrame(tick);
  };

  return {
    play,
    stop,
    toggle: () => (handle ? stop() : play()),
    /** Shows a moment and stays there; times are put on whole frames. */
    seek(time) {
      stop();
      const frame = Math.round(Math.min(Math.max(time, 0), 1) * lastFrame());
      store.set({ time: frame / lastFrame() });
    },
    step(frames) {
      this.seek(store.state.time + frames / lastFrame());
    },
  };
}
