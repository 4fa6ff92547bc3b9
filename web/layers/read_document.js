/**
 * MOTION documents from text. Python (motion_core/document) reads strictly; reading here refuses
 * only what the editor could not show or would lose.
 */

import { VERSION } from "../model/document.js";
import { checkPair } from "./checks.js";
import { layerType } from "./index.js";

/** The document of a text. Throws Error with a sentence for people when it cannot be read. */
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
  checkVersion(raw.version);
  checkCanvas(raw.drawn_on);
  if (!Array.isArray(raw.layers)) throw new Error('This motion has no list of "layers".');
  raw.layers.forEach(checkLayer);
  checkIds(raw.layers);
  return raw;
}

function checkVersion(version) {
  if (!Number.isInteger(version)) throw new Error("This motion has no version number.");
  if (version > VERSION) {
    throw new Error(
      `This motion is version ${version}, newer than this editor (${VERSION}). ` +
        "Update Motion Prompting to edit it.",
    );
  }
  if (version !== VERSION) throw new Error(`Version ${version} motions are not known.`);
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
  const known = layerType(layer);
  if (!known) {
    throw new Error(`${name} is of type "${layer.type}", which this editor does not know.`);
  }
  known.check(layer, name);
  if (Array.isArray(layer.polygon)) {
    layer.polygon.forEach((corner) => checkPair(corner, `A corner of ${name}`));
  }
}

function checkIds(layers) {
  const ids = layers.map((layer) => layer.id);
  const repeated = ids.find((id, place) => ids.indexOf(id) !== place);
  if (repeated !== undefined) throw new Error(`Two layers have the id "${repeated}".`);
}
