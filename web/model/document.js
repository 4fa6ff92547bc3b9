/**
 * The MOTION document as a plain immutable value, and every way to edit it.
 *
 * An edit is a function from a document to a new document; nothing is changed in place. What the
 * types of layers are is the business of web/layers; nothing here depends on a type.
 */

export const VERSION = 2;
const COLORS = ["#ff5d5d", "#ffb02e", "#ffe14d", "#58d68d", "#4dc9ff", "#7d8bff", "#e07bff"];

/** A document in which nothing moves yet, drawn on a picture of `size` pixels. */
export function emptyDocument({ width, height }) {
  return { version: 1, drawn_on: { width, height }, layers: [] };
}

/** The text of a document: what the graph stores. `readDocument` of web/layers reads it. */
export function writeDocument(document) {
  return JSON.stringify({ ...document, version: versionOf(document) });
}

/** The first version that can hold a document: older programs read what they can. */
export function versionOf({ layers }) {
  return layers.some(({ curve, handles }) => curve === "bezier" || handles !== undefined) ? 2 : 1;
}

/** The layer with an id, or undefined. */
export function layerOf(document, id) {
  return document.layers.find((layer) => layer.id === id);
}

/** The layer with an id where it is of a type, or null. */
export function layerOfType(document, id, type) {
  const found = layerOf(document, id);
  return found?.type === type ? found : null;
}

/** The points of a layer as [x, y], whatever its type: times are left out. */
export function layerPoints(layer) {
  return (layer.points ?? []).map((point) => point.slice(-2));
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

/** Edit: puts a layer on top. A missing id or color is added. */
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

/** The fields of a layer without one of its points. */
export function withoutPoint({ points, handles }, index) {
  return {
    points: points.toSpliced(index, 1),
    ...(handles && { handles: handles.toSpliced(index, 1) }),
  };
}

/** Several edits as one. */
export const edits = (...steps) => (document) => steps.reduce((value, edit) => edit(value), document);

/** A layer moved as a whole by fractions of width and height. */
export function shiftedLayer(layer, dx, dy) {
  const moved = { ...layer };
  const shift = (point) => [
    ...point.slice(0, -2),
    round(point.at(-2) + dx),
    round(point.at(-1) + dy),
  ];
  if (layer.points) moved.points = layer.points.map(shift);
  if (Array.isArray(layer.polygon)) moved.polygon = layer.polygon.map(shift);
  if (layer.center) moved.center = shift(layer.center);
  if (layer.pivot) moved.pivot = shift(layer.pivot);
  return moved;
}

/** A coordinate or time as it is stored: 1e-5 is 0.04 px of a 4,000 px picture. */
export function round(value) {
  return Math.round(value * 1e5) / 1e5;
}
