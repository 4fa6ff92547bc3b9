/**
 * The MOTION document as a plain immutable value, and every way to edit it.
 *
 * An edit is a function from a document to a new document; nothing is changed in place. The strict
 * judge of a document is Python (motion_core/document); reading here refuses only what the editor
 * could not show or would lose.
 */

export const VERSION = 1;
export const LAYER_TYPES = ["drag", "pin", "sphere", "region", "camera_grab"];
const PATH_TYPES = ["drag", "sphere", "camera_grab"];
const COLORS = ["#ff5d5d", "#ffb02e", "#ffe14d", "#58d68d", "#4dc9ff", "#7d8bff", "#e07bff"];

/** A document in which nothing moves yet, drawn on a picture of `size` pixels. */
export function emptyDocument({ width, height }) {
  return { version: VERSION, drawn_on: { width, height }, layers: [] };
}

/** The document that a text holds. Throws Error with a sentence for people when it cannot. */
export function readDocument(text) {
  let raw;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw new Error(`This motion is not valid JSON: ${error.message}`);
  }
  if (raw === null || typeof raw !== "object" || Array.isArray(raw)) {
    throw new Error("This motion is not a MOTION document: it must be an object {…}.");
  }
  if (!Number.isInteger(raw.version)) throw new Error("This motion has no version number.");
  if (raw.version > VERSION) {
    throw new Error(
      `This motion is version ${raw.version}, newer than this editor (${VERSION}). ` +
        "Update Motion Prompting to edit it.",
    );
  }
  if (raw.version !== VERSION) throw new Error(`Version ${raw.version} motions are not known.`);
  checkCanvas(raw.drawn_on);
  if (!Array.isArray(raw.layers)) throw new Error('This motion has no list of "layers".');
  raw.layers.forEach(checkLayer);
  checkIds(raw.layers);
  return raw;
}

/** The text of a document: what the graph stores. */
export function writeDocument(document) {
  return JSON.stringify(document);
}

/** The layer with an id, or undefined. */
export function layerOf(document, id) {
  return document.layers.find((layer) => layer.id === id);
}

/** True for layers that follow a drawn path. */
export function hasPath(layer) {
  return PATH_TYPES.includes(layer.type);
}

/** True for layers that move, so have a window in time. */
export function hasTiming(layer) {
  return layer.type !== "pin";
}

/** An id no layer uses: the type and the smallest free number. */
export function freshId(document, type) {
  const used = new Set(document.layers.map((layer) => layer.id));
  let number = 1;
  while (used.has(`${type}-${number}`)) number += 1;
  return `${type}-${number}`;
}

/** A color the fewest layers use. */
export function freshColor(document) {
  const uses = COLORS.map((color) => document.layers.filter((l) => l.color === color).length);
  return COLORS[uses.indexOf(Math.min(...uses))];
}

/** Edit: puts a layer on top. Missing id and color are given. */
export const addLayer = (layer) => (document) => {
  const complete = { id: freshId(document, layer.type), color: freshColor(document), ...layer };
  return { ...document, layers: [...document.layers, complete] };
};

/** Edit: replaces fields of the layers with the given ids; `fields` may be a function of a layer. */
export const changeLayers = (ids, fields) => (document) => {
  const chosen = new Set(ids);
  const changed = (layer) => ({ ...layer, ...(typeof fields === "function" ? fields(layer) : fields) });
  return {
    ...document,
    layers: document.layers.map((layer) => (chosen.has(layer.id) ? changed(layer) : layer)),
  };
};

/** Edit: takes layers away. */
export const removeLayers = (ids) => (document) => {
  const gone = new Set(ids);
  return { ...document, layers: document.layers.filter((layer) => !gone.has(layer.id)) };
};

/** Edit: moves a layer to another place in the stack, 0 being the bottom. */
export const moveLayer = (id, place) => (document) => {
  const layer = layerOf(document, id);
  const others = document.layers.filter((other) => other !== layer);
  return { ...document, layers: [...others.slice(0, place), layer, ...others.slice(place)] };
};

/** Edit: puts copies of layers on top, shifted, with ids of their own. */
export const pasteLayers = (layers, [dx, dy] = [0, 0]) => (document) =>
  layers.reduce((grown, layer) => {
    const copy = shiftedLayer(structuredClone(layer), dx, dy);
    return addLayer({ ...copy, id: freshId(grown, layer.type) })(grown);
  }, document);

/** Edit: shifts whole layers in the picture by fractions of width and height. */
export const shiftLayers = (ids, dx, dy) => changeLayers(ids, (layer) => shiftedLayer(layer, dx, dy));

/** Several edits as one. */
export const edits = (...steps) => (document) => steps.reduce((value, edit) => edit(value), document);

/** A layer moved as a whole by fractions of width and height. */
export function shiftedLayer(layer, dx, dy) {
  const moved = { ...layer };
  const shift = ([x, y]) => [round(x + dx), round(y + dy)];
  if (hasPath(layer)) moved.points = layer.points.map(([t, x, y]) => [t, ...shift([x, y])]);
  else if (layer.points) moved.points = layer.points.map(shift);
  if (Array.isArray(layer.polygon)) moved.polygon = layer.polygon.map(shift);
  if (layer.center) moved.center = shift(layer.center);
  if (layer.pivot) moved.pivot = shift(layer.pivot);
  return moved;
}

/** A coordinate or time as it is stored: 1e-5 is 0.04 px of a 4,000 px picture. */
export function round(value) {
  return Math.round(value * 1e5) / 1e5;
}

function checkCanvas(canvas) {
  const isSide = (side) => Number.isInteger(side) && side > 0;
  if (!canvas || !isSide(canvas.width) || !isSide(canvas.height)) {
    throw new Error('This motion does not say the size it was "drawn_on".');
  }
}

function checkLayer(layer, place) {
  const name = `Layer ${place + 1}`;
  if (layer === null || typeof layer !== "object") throw new Error(`${name} is not an object.`);
  if (typeof layer.id !== "string" || !layer.id) throw new Error(`${name} has no id.`);
  if (!LAYER_TYPES.includes(layer.type)) {
    throw new Error(`${name} is of type "${layer.type}", which this editor does not know.`);
  }
  checkPoints(layer, name);
  if (layer.type === "sphere") checkPair(layer.center ?? [0.5, 0.5], `The center of ${name}`);
  if (Array.isArray(layer.polygon)) {
    layer.polygon.forEach((corner) => checkPair(corner, `A corner of ${name}`));
  }
}

function checkPoints(layer, name) {
  const points = layer.points ?? [];
  if (!Array.isArray(points)) throw new Error(`The points of ${name} are not a list.`);
  if (!hasPath(layer)) {
    points.forEach((point) => checkPair(point, `A point of ${name}`));
    return;
  }
  if (!points.length) throw new Error(`${name} has no points.`);
  for (const point of points) {
    const isTimed = Array.isArray(point) && (point[0] === null || Number.isFinite(point[0]));
    if (!isTimed) throw new Error(`A point of ${name} is not [time, x, y].`);
    checkPair(point.slice(1), `A point of ${name}`);
  }
}

function checkPair(pair, what) {
  if (!Array.isArray(pair) || pair.length !== 2 || !pair.every(Number.isFinite)) {
    throw new Error(`${what} is not a pair of numbers.`);
  }
}

function checkIds(layers) {
  const ids = layers.map((layer) => layer.id);
  const twice = ids.find((id, place) => ids.indexOf(id) !== place);
  if (twice !== undefined) throw new Error(`Two layers have the id "${twice}".`);
}
