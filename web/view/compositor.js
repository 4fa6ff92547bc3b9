/** The canvas view with its contents: what is drawn, and where the pointers go. */

import { layerOf } from "../model/document.js";
import { distance } from "../model/geometry.js";
import { toView } from "../model/viewport.js";
import { makeCanvasView } from "./canvas_view.js";
import { makeBackdropCache } from "./draw/backdrop_cache.js";
import { makeMotionCache } from "./draw/motion_cache.js";
import { drawBackdrop, drawForeground, pictureBox } from "./draw/scene.js";
import { makeGestures } from "./gestures.js";
import { makePreview } from "./warp/preview.js";

const NEAR_PX = 12;
const PLAYING_OPACITY = 0.25;

/**
 * `canvasSize()` and `isReadOnly()` are the editor's, `background()` gives {picture} or null.
 * `onReadout(text)`: the numbers under the pointer changed. `onWarped(isOn)`: whether the picture
 * shown is moved by the live preview. `onWheelUnused(event)`: the wheel turned without focus.
 */
export function makeCompositor({
  store,
  body,
  canvasSize,
  isReadOnly,
  background,
  onReadout,
  onWarped,
  onWheelUnused,
}) {
  const motions = makeMotionCache();
  const drawing = makeDrawing({ store, canvasSize, background, motions, onWarped });
  let pointer = null; // where the pointer is while no button is pressed

  const canvasView = makeCanvasView({
    onDraw: (context, view, ratio) => drawing.draw(context, { view, ratio, pointer }),
    onPointer: (kind, at) => {
      pointer = kind === "leave" || kind === "cancel" ? null : at;
      if (kind === "down") body.focus({ preventScroll: true });
      gestures.handle(kind, at);
      canvasView.canvas.style.cursor = canvasView.isPanning ? "grab" : gestures.cursor(pointer);
      const now = { size: canvasSize(), view: canvasView.view, motions };
      onReadout(pointer ? readout(store.state, pointer, now) : "");
      canvasView.request();
    },
    canZoom: () => body.contains(document.activeElement),
    onWheelUnused,
  });
  const gestures = makeGestures({ store, canvasView, canvasSize, isReadOnly });

  const unsubscribe = store.subscribe(canvasView.request);
  return {
    canvasView,
    gestures,
    resize() {
      canvasView.setSize(canvasSize());
      canvasView.request();
    },
    destroy() {
      unsubscribe();
      canvasView.destroy();
      drawing.dispose();
    },
  };
}

/** Draws the scene; what a gesture does not change comes from a cache. */
function makeDrawing({ store, canvasSize, background, motions, onWarped }) {
  const preview = makePreview();
  const backdrop = makeBackdropCache();

  /** The picture and, while it is moved by the live preview, the moved one. */
  const pictures = (picture, view, ratio) => {
    const { document, time, showsSketch, things } = store.state;
    const width = pictureBox(view)[2] * ratio;
    const isNeeded = picture && showsSketch && time > 0;
    const scene = { document, picture, size: canvasSize(), things, time, width };
    const warped = isNeeded ? preview.at(scene) : null;
    onWarped(Boolean(warped));
    return { picture, warped };
  };

  return {
    draw(context, { view, ratio, pointer }) {
      const scene = sceneOf(store, { view, size: canvasSize(), motions, pointer });
      const picture = background()?.picture ?? null;
      const { width, height } = context.canvas;
      const parts = [...partsOf(store.state, scene, picture), ratio, width, height];
      const draw = (onto) => drawBackdrop(onto, { ...scene, ...pictures(picture, view, ratio) });
      backdrop.draw(context, parts, draw);
      drawForeground(context, scene);
    },
    dispose() {
      preview.dispose();
      backdrop.dispose();
    },
  };
}

/** The position under the pointer, and the frame of the selected path that is near it. */
function readout(state, { point, screen }, now) {
  const { width, height } = now.size;
  const place = `${Math.round(point[0] * width)}, ${Math.round(point[1] * height)}`;
  const frame = frameNear(state, screen, now);
  return frame === null ? place : `frame ${frame} · ${place}`;
}

function frameNear({ document, selection, clip }, screen, { size, view, motions }) {
  const layer = layerOf(document, [...selection].at(-1));
  if (!layer) return null;
  const scene = { size, drawnOn: document.drawn_on, frames: clip.frames };
  let best = { gap: NEAR_PX, index: -1 };
  motions.of(layer, scene).ticks.forEach((tick, index) => {
    const gap = distance(toView(view, tick), screen);
    if (gap < best.gap) best = { gap, index };
  });
  const first = Math.ceil((layer.start ?? 0) * Math.max(clip.frames - 1, 1) - 1e-6);
  return best.index < 0 ? null : first + best.index;
}

/** Everything that is drawn but the picture; layers that a gesture changes are apart. */
function sceneOf(store, { view, size, motions, pointer }) {
  const { document, selection, time, clip, tool, point, box, settings, preview } = store.state;
  const { isPlaying, showsMarks, brushAt, isSnapping, guides, things } = store.state;
  const { layers, drawn_on: drawnOn } = store.shown;
  const kept = new Set(document.layers);
  return {
    ...{ selection, view, time, size, drawnOn, motions, tool, point, box, things },
    unchanged: layers.filter((layer) => kept.has(layer)),
    changing: layers.filter((layer) => !kept.has(layer)),
    frames: clip.frames,
    opacity: markOpacity(isPlaying, showsMarks),
    hover: preview ? null : (brushAt ?? pointer?.point),
    brush: settings.brush,
    grid: isSnapping ? settings.cell : null,
    guides,
  };
}

/** How strongly the marks of layers are drawn: a playing image is watched, not edited. */
function markOpacity(isPlaying, showsMarks) {
  if (!showsMarks) return 0;
  return isPlaying ? PLAYING_OPACITY : 1;
}

/** Everything that the backdrop shows: it is drawn anew when one of these changes. */
function partsOf({ document, showsSketch }, scene, picture) {
  const { view, time, size, drawnOn, frames, tool, point, selection, opacity, grid, things, unchanged } = scene;
  const parts = [document, picture, showsSketch, view, time, size, drawnOn, frames, tool, point];
  return [...parts, selection, opacity, grid, things, ...unchanged];
}
