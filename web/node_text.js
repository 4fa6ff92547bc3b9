/**
 * Text that a node of this pack reports after a run, shown in the node: Tracks Info's report, the
 * notes of Track Sampler. It is kept in the saved graph, so that it is there after a reload.
 */

import { app } from "../../scripts/app.js";
import { word } from "./model/words.js";
import { chain } from "./node_hooks.js";

const PREFIX = "MotionPrompting";
const OWN_VIEW = "MotionPromptingDrawMotion"; // shows its notes in the editor
const WIDGET_TYPE = "MOTION_PROMPTING_TEXT";
const PROPERTY = "motion_prompting_text";
const HEIGHTS = [40, 220]; // CSS pixels: least, and what a first long text makes room for
const LINE_HEIGHT = 16;

app.registerExtension({
  name: "motion_prompting.node_text",
  nodeCreated(node) {
    if (!node.comfyClass?.startsWith(PREFIX) || node.comfyClass === OWN_VIEW) return;
    chain(node, "onConfigure", () => show(node, node.properties?.[PROPERTY]));
    chain(node, "onExecuted", (shown) => {
      if (shown?.text === undefined) return;
      node.setProperty(PROPERTY, [shown.text].flat().join("\n"));
      show(node, node.properties[PROPERTY]);
    });
  },
});

/** Shows a text in the node; makes the place for it when there is a text for the first time. */
function show(node, text) {
  let widget = node.widgets?.find(({ type }) => type === WIDGET_TYPE);
  if (!widget && !text) return;
  widget ??= addPlace(node, text);
  widget.element.value = text ?? "";
  node.setDirtyCanvas?.(true, true);
}

function addPlace(node, text) {
  const [least, most] = HEIGHTS;
  const height = Math.min(most, least + LINE_HEIGHT * text.split("\n").length);
  const area = document.createElement("textarea");
  Object.assign(area, { readOnly: true, className: "comfy-multiline-input", spellcheck: false });
  area.setAttribute("aria-label", word("Report of the last run"));
  area.style.minHeight = `${least}px`;
  area.dataset.captureWheel = "true";
  const widget = node.addDOMWidget("report", WIDGET_TYPE, area, {
    serialize: false,
    hideOnZoom: false,
    getMinHeight: () => least,
  });
  widget.serialize = false;
  const [width, used] = node.computeSize();
  const room = Math.max(node.size[1], used + height - least);
  node.setSize?.([Math.max(node.size[0], width), room]);
  return widget;
}
