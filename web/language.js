/**
 * The editor's texts in the language of the host's setting Comfy.Locale. The host serves the locales
 * of all packs; ours are made from tables by `python -m tests.host.words`. Another language counts
 * from the next load of the page.
 */

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { setWords } from "./model/words.js";

const SETTING = "Comfy.Locale";
const SECTION = "motionPrompting";

let loading = null;

app.registerExtension({ name: "motion_prompting.language", init: () => wordsLoaded() });

/** Resolves when the texts are there; English needs none. */
export function wordsLoaded() {
  loading ??= load();
  return loading;
}

async function load() {
  const locale = app.extensionManager?.setting?.get(SETTING);
  if (!locale || locale === "en") return;
  try {
    const answer = await api.fetchApi("/i18n");
    const locales = await answer.json();
    setWords(locales[locale]?.[SECTION]);
  } catch (error) {
    console.warn("Motion Prompting: the editor stays English.", error);
  }
}
