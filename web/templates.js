/**
 * Titles, descriptions, order, tags and moving thumbnails of the pack's templates. The host lists the
 * templates of custom nodes by their file names, with still .jpg thumbnails, in the order of the file
 * system. It has more to say about its own ones, from an index; ours are handed over in the same form.
 * Where that is not possible the host's plain list stays.
 */

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { wordsLoaded } from "./language.js";
import { phrase, word } from "./model/words.js";

const CATEGORY = "Motion Prompting";
const INDEX = new URL("./templates.json", import.meta.url);
// The host names the files of a pack after its folder: /extensions/FOLDER/templates.js.
const MODULE = decodeURIComponent(INDEX.pathname.split("/").at(-2));
const GIGABYTE = 1e9;

app.registerExtension({
  name: "motion_prompting.templates",
  async init() {
    if (!api.getCoreWorkflowTemplates || !api.getWorkflowTemplates) return;
    const answer = await fetch(INDEX).catch(() => null);
    if (answer?.ok) handOver(await answer.json());
  },
});

/** Gives the index of our templates to the host with its own, and takes them from the plain list. */
function handOver(index) {
  const names = new Set(index.map(({ name }) => name));
  replace("getWorkflowTemplates", (lists) => {
    const unknown = (lists[MODULE] ?? []).filter((name) => !names.has(name));
    const { [MODULE]: ours, ...others } = lists;
    return unknown.length ? { ...others, [MODULE]: unknown } : others;
  });
  replace("getCoreWorkflowTemplates", async (categories) => {
    await wordsLoaded();
    return [...categories, { moduleName: MODULE, title: CATEGORY, type: "video", templates: index.map(entry) }];
  });
}

/** Passes the result of a method of the host's api through `change`. */
function replace(method, change) {
  const before = api[method];
  api[method] = async function (...args) {
    return change(await before.apply(this, args));
  };
}

/** A template as the host's index describes it. */
function entry({ name, title, description, models = [], needs_models: needsModels = false, gigabytes }) {
  const size = gigabytes === undefined ? {} : { size: gigabytes * GIGABYTE };
  return {
    ...{ name, title: word(title), description: word(description), models, openSource: true },
    ...{ mediaType: "image", mediaSubtype: "webp", tags: [needs(needsModels, gigabytes)], ...size },
  };
}

function needs(needsModels, gigabytes) {
  if (!needsModels) return word("Runs now");
  return gigabytes === undefined ? word("Needs models") : phrase("Needs {n} GB of models", { n: gigabytes });
}
