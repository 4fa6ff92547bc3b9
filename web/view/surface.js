/** The stage with its contents: what is painted, and where the pointers go. */

import { layerOf } from "../model/document.js";
import { distance } from "../model/geometry.js";
import { toView } from "../model/viewport.js";
import { makeSketchbook } from "./draw/sketch.js";
import { paintGesture, paintGround, pictureBox } from "./draw/scene.js";
import { makeUndercoat } from "./draw/undercoat.js";
import { makeGestures } from "./gestures.js";
import { makeStage } from "./stage.js";
import { makePreview } from "./warp/preview.js";

const NEAR_PX = 12;

/** `desk` is {store, size(), body, playback}; `background()` gives {picture} or null. */
export function makeSurface(desk, { background, onWheelUnused }) {
  const { store, body } = desk;
  const book = makeSketchbook();
  const preview = makePreview();
  const undercoat = makeUndercoat();
  let pointer = null; // where the pointer is while nothing is held

  const stage = makeStage({
    onPaint(context, view, ratio) {
      const scene = sceneOf(view);
      const ground = (onto) => paintGround(onto, { ...scene, ...pictures(view, ratio) });
      undercoat.lay(context, [...partsOf(scene), ratio, context.canvas.width, context.canvas.height], ground);
      paintGesture(context, scene);
    },
    onPointer: (kind, at) => {
      pointer = kind === "leave" || kind === "cancel" ? null : at;
      if (kind === "down") body.focus({ preventScroll: true });
      gestures.handle(kind, at);
      stage.canvas.style.cursor = stage.isPanning ? "grab" : gestures.cursor(pointer);
      desk.transport.say(pointer ? readout(pointer) : "");
      stage.request();
    },
    canZoom: () => body.contains(document.activeElement),
    onWheelUnused,
  });
  const gestures = makeGestures(desk, stage);

  const sceneOf = (view) => {
    const { document, selection, time, clip, tool, point, box, settings } = store.state;
    const { layers, drawn_on: drawnOn } = store.shown;
    const kept = new Set(document.layers);
    const scene = { selection, view, time, size: desk.size(), drawnOn, book, tool, point, box };
    return {
      ...scene,
      atRest: layers.filter((layer) => kept.has(layer)),
      inHand: layers.filter((layer) => !kept.has(layer)),
      frames: clip.frames,
      hover: store.state.preview ? null : pointer?.point,
      brush: settings.brush,
    };
  };

  /** Everything that the ground shows: it is painted anew when one of these changes. */
  const partsOf = ({ view, time, size, drawnOn, frames, tool, point, selection, atRest }) => {
    const { document, showsSketch } = store.state;
    const picture = background()?.picture;
    return [document, picture, showsSketch, view, time, size, drawnOn, frames, tool, point, selection, ...atRest];
  };

  const pictures = (view, ratio) => {
    const { document, time, showsSketch } = store.state;
    const picture = background()?.picture ?? null;
    const width = pictureBox(view)[2] * ratio;
    const isAsked = picture && showsSketch && time > 0;
    const moved = isAsked ? preview.at({ document, picture, size: desk.size(), time, width }) : null;
    desk.notices.showSketch(Boolean(moved));
    return { picture, moved };
  };

  /** The position under the pointer, and the frame of the selected path that is near it. */
  const readout = ({ point, screen }) => {
    const { width, height } = desk.size();
    const place = `${Math.round(point[0] * width)}, ${Math.round(point[1] * height)}`;
    const frame = nearFrame(screen);
    return frame === null ? place : `frame ${frame} · ${place}`;
  };

  const nearFrame = (screen) => {
    const { document, selection, clip } = store.state;
    const layer = layerOf(document, [...selection].at(-1));
    if (!layer) return null;
    const scene = { size: desk.size(), drawnOn: document.drawn_on, frames: clip.frames };
    let best = { gap: NEAR_PX, index: -1 };
    book.of(layer, scene).ticks.forEach((tick, index) => {
      const gap = distance(toView(stage.view, tick), screen);
      if (gap < best.gap) best = { gap, index };
    });
    const first = Math.ceil((layer.start ?? 0) * Math.max(clip.frames - 1, 1) - 1e-6);
    return best.index < 0 ? null : first + best.index;
  };

  const unsubscribe = store.subscribe(stage.request);
  return {
    stage,
    gestures,
    resize() {
      stage.setSize(desk.size());
      stage.request();
    },
    destroy() {
      unsubscribe();
      stage.destroy();
      preview.dispose();
      undercoat.dispose();
    },
  };
}
