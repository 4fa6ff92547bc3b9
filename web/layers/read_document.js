/**
 * MOTION documents from text, by the rules of motion_core/document: what the graph would refuse is
 * refused here, and what is read can be shown.
 */

import { VERSION, versionOf } from "../model/document.js";
import { Fields } from "./checks.js";
import { checkText } from "./json_text.js";
import { LAYERS, layerType } from "./index.js";

const MOST_CHARACTERS = 4 * 1024 * 1024;
const MOST_LAYERS = 1000;
const MOST_PIXELS = 65536;
const LONGEST_NAME = 200;
const WHOLE_NUMBERS = ["version", "drawn_on.width", "drawn_on.height"];

/** The document of a text. Throws Error with a sentence for people when it cannot be read. */
export function readDocument(text) {
  if (text.length > MOST_CHARACTERS) throw new Error("This motion is too long to be read.");
  let raw;
  try {
    raw = JSON.parse(text.replace(/^\uFEFF/, "")); // a byte order mark, as pasted text may have
  } catch (error) {
    throw new Error(`This motion is not valid JSON: ${error.message}`);
  }
  if (raw === null || typeof raw !== "object" || Array.isArray(raw)) {
    throw new Error("This motion is not a MOTION document: it must be an object {…}.");
  }
  checkText(text, WHOLE_NUMBERS);
  checkVersion(raw.version);
  checkCanvas(raw.drawn_on);
  const fields = new Fields(raw, "This motion");
  fields.take("version");
  fields.take("drawn_on");
  fields.entries("layers", undefined, 0, MOST_LAYERS).forEach(checkLayer);
  fields.finish();
  checkAdditions(raw);
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
  if (version < 1) throw new Error(`Version ${version} motions are not known.`);
}

/** What version 2 added is refused in version 1, as Python does. */
function checkAdditions(raw) {
  if (versionOf(raw) > raw.version) {
    throw new Error('This motion uses "handles" or the curve "bezier", which need version 2.');
  }
}

function checkCanvas(canvas) {
  const fields = new Fields(canvas ?? {}, "This motion", "drawn_on.");
  for (const name of ["width", "height"]) {
    const side = fields.number(name, [1, MOST_PIXELS]);
    if (!Number.isInteger(side)) fields.refuse(name, "must be a whole number of pixels");
  }
  fields.finish();
}

function checkLayer(layer, place) {
  const fields = new Fields(layer, `Layer ${place + 1}`);
  fields.choice("type", LAYERS.map(({ type }) => type));
  fields.text("id", LONGEST_NAME, undefined, 1);
  fields.text("name", LONGEST_NAME, "");
  fields.flag("enabled", true);
  fields.color("color");
  fields.flag("locked", false);
  layerType(layer).check(fields);
  fields.finish();
}

function checkIds(layers) {
  const ids = layers.map((layer) => layer.id);
  const repeated = ids.find((id, place) => ids.indexOf(id) !== place);
  if (repeated !== undefined) throw new Error(`Two layers have the id "${repeated}".`);
}
