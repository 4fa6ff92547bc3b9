/**
 * What stays as it is while the hand moves, painted once and kept: the picture, and the layers that
 * the gesture leaves alone. A scene seen for the first time is painted straight away, so a playing
 * clip, in which every frame is new, pays nothing for it.
 */

export function makeUndercoat() {
  const canvas = document.createElement("canvas");
  const own = canvas.getContext("2d");
  let seen = []; // what the last scene was made of
  let isKept = false; // whether it is on the canvas

  return {
    /** Paints by `paint(context)`, or puts down the copy where nothing in `parts` has changed. */
    lay(context, parts, paint) {
      const isSame = parts.length === seen.length && parts.every((part, i) => part === seen[i]);
      seen = parts;
      if (!isSame) {
        isKept = false;
        paint(context);
        return;
      }
      if (!isKept) keep(context, paint);
      isKept = true;
      context.save();
      context.resetTransform();
      context.drawImage(canvas, 0, 0);
      context.restore();
    },
    dispose() {
      canvas.width = canvas.height = 0;
      seen = [];
    },
  };

  function keep(context, paint) {
    const { width, height } = context.canvas;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    own.resetTransform();
    own.clearRect(0, 0, width, height);
    own.setTransform(context.getTransform());
    paint(own);
  }
}
