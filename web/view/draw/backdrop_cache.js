/**
 * The part of the scene that a gesture does not change (the picture and the other layers), drawn
 * once and kept. A scene that occurs for the first time is drawn straight away, so a playing clip,
 * in which every frame is new, pays nothing for it.
 */

export function makeBackdropCache() {
  const canvas = document.createElement("canvas");
  const own = canvas.getContext("2d");
  let lastParts = [];
  let isKept = false; // whether the last scene is on the canvas

  return {
    /** Draws by `draw(context)`, or copies the kept scene where nothing in `parts` has changed. */
    draw(context, parts, draw) {
      const isSame =
        parts.length === lastParts.length && parts.every((part, i) => part === lastParts[i]);
      lastParts = parts;
      if (!isSame) {
        isKept = false;
        draw(context);
        return;
      }
      if (!isKept) keep(context, draw);
      isKept = true;
      context.save();
      context.resetTransform();
      context.drawImage(canvas, 0, 0);
      context.restore();
    },
    dispose() {
      canvas.width = canvas.height = 0;
      lastParts = [];
    },
  };

  function keep(context, draw) {
    const { width, height } = context.canvas;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    own.resetTransform();
    own.clearRect(0, 0, width, height);
    own.setTransform(context.getTransform());
    draw(own);
  }
}
