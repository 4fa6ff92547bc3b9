/**
 * How the picture lies in the editor: a view is {scale, left, top, size}, where `size` is the
 * picture in pixels and `scale` view pixels per picture pixel. Picture points are fractions of its
 * width and height, view points are CSS pixels of the editor's canvas.
 */

const SMALLEST = 0.02;
const LARGEST = 64;

/** The view that shows the whole picture in the middle, with a margin for points outside it. */
export function fitView(size, room, margin = 0.06) {
  const inner = 1 - 2 * margin;
  const scale = Math.max(
    Math.min((room.width * inner) / size.width, (room.height * inner) / size.height),
    1e-4,
  );
  return {
    size,
    scale,
    left: (room.width - size.width * scale) / 2,
    top: (room.height - size.height * scale) / 2,
  };
}

/** The view point of a picture point. */
export function toView({ size, scale, left, top }, [x, y]) {
  return [left + x * size.width * scale, top + y * size.height * scale];
}

/** The picture point of a view point. */
export function toPicture({ size, scale, left, top }, [x, y]) {
  return [(x - left) / (size.width * scale), (y - top) / (size.height * scale)];
}

/** The view zoomed by a factor about a view point that stays where it is. */
export function zoomAt(view, [x, y], factor) {
  const scale = Math.min(Math.max(view.scale * factor, SMALLEST), LARGEST);
  const ratio = scale / view.scale;
  return { ...view, scale, left: x - (x - view.left) * ratio, top: y - (y - view.top) * ratio };
}

/** The view moved by view pixels. */
export function panBy(view, dx, dy) {
  return { ...view, left: view.left + dx, top: view.top + dy };
}

/** View pixels in a length given as a fraction of the picture's short side. */
export function lengthToView({ size, scale }, length) {
  return length * Math.min(size.width, size.height) * scale;
}

/** The fraction of the picture's short side that a length in view pixels is. */
export function lengthToPicture({ size, scale }, pixels) {
  return pixels / (Math.min(size.width, size.height) * scale);
}
