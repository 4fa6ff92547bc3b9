/** The live preview of one editor: the picture moved by the drawn layers, made when it is first needed. */

import { makeField } from "./field.js";
import { makeFlatWarp } from "./flat.js";
import { makeGlWarp } from "./gl.js";

const FLAT_COLUMNS = 20;
const MOST_PIXELS = 1280;

/** `at({document, picture, size, things, time, width})` gives the moved picture, or null where all is still. */
export function makePreview() {
  let gl; // undefined: not tried yet; null: not available
  let flat = null;
  let known = { document: null, picture: null, columns: 0, field: null };

  const fieldOf = (now) => {
    const isSame = Object.keys(now).every((name) => known[name] === now[name]);
    if (!isSame) known = { ...now, field: makeField(now.document, now.size, now) };
    return known.field;
  };

  return {
    at({ document, picture, size, things, time, width }) {
      if (gl === undefined) gl = makeGlWarp();
      const isFlat = !gl || gl.isLost;
      const field = fieldOf({ document, size, things, columns: isFlat ? FLAT_COLUMNS : undefined });
      if (field.isStill) return null;
      const wide = Math.max(16, Math.round(Math.min(width, MOST_PIXELS)));
      const shape = { width: wide, height: Math.max(16, Math.round((wide * size.height) / size.width)) };
      if (isFlat) flat ??= makeFlatWarp();
      return (isFlat ? flat : gl).render({ picture, field, time, ...shape });
    },
    dispose() {
      gl?.dispose();
      flat?.dispose();
      gl = flat = null;
      known = {};
    },
  };
}
