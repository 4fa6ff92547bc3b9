/** Play, loop, the live preview, and the numbers under the pointer. */

import { frameAt } from "../model/store.js";
import { make, setText } from "./dom.js";
import { icon } from "./icons.js";
import { iconButton, mark } from "./toolbar.js";

/** The bar under the canvas. */
export function makeTransport({ store, playback, commands }) {
  const play = iconButton("play", "Play or pause (Space)", playback.toggle, { command: "play" });
  const loop = iconButton("loop", "Loop (L)", commands.toggleLoop, { command: "loop" });
  const sketch = iconButton("sketch", "Move the image while playing: a quick preview of Draft Motion (M)", commands.toggleSketch, { command: "sketch" });
  const marks = iconButton("marks", "Show the marks of the layers (O)", commands.toggleMarks, { command: "marks" });
  const back = iconButton("start", "To the first frame (Home)", () => playback.seek(0), { command: "home" });
  const frame = make("span", { className: "mp-frame" });
  const seconds = make("span", { className: "mp-quiet" });
  const readout = make("span", { className: "mp-readout" });
  const element = make(
    "div",
    { className: "mp-transport" },
    make("div", { className: "mp-group" }, back, play, loop, sketch, marks),
    frame,
    seconds,
    make("span", { className: "mp-space" }),
    readout,
  );

  const update = () => {
    const { time, clip, isPlaying, isLooping, showsSketch, showsMarks } = store.state;
    setText(frame, `${frameAt(time, clip)} / ${Math.max(clip.frames - 1, 0)}`);
    setText(seconds, `${(frameAt(time, clip) / clip.fps).toFixed(2)} s`);
    mark(loop, isLooping);
    mark(sketch, showsSketch);
    mark(marks, showsMarks);
    if (play.dataset.shows !== String(isPlaying)) play.replaceChildren(icon(isPlaying ? "pause" : "play"));
    play.dataset.shows = String(isPlaying);
  };
  store.subscribe((state, old) => {
    const names = ["time", "clip", "isPlaying", "isLooping", "showsSketch", "showsMarks"];
    if (names.some((name) => state[name] !== old[name])) update();
  });
  update();
  return { element, setReadout: (text) => setText(readout, text) };
}
