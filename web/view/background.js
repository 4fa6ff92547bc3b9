/** The picture under the drawing. Pictures beyond the largest useful size are kept smaller. */

const MOST_SIDE = 2048;

/** { picture, size } of an image, video or canvas that has loaded; null for none. */
export function makeBackground(source) {
  const size = source && naturalSize(source);
  if (!size?.width || !size.height) return null;
  const factor = Math.min(1, MOST_SIDE / Math.max(size.width, size.height));
  const picture = document.createElement("canvas");
  picture.width = Math.max(1, Math.round(size.width * factor));
  picture.height = Math.max(1, Math.round(size.height * factor));
  const context = picture.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, picture.width, picture.height);
  return { picture, size };
}

function naturalSize(source) {
  return {
    width: source.naturalWidth || source.videoWidth || source.width,
    height: source.naturalHeight || source.videoHeight || source.height,
  };
}
