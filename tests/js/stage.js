/** A stage for tools without a page: feeds pointer events and applies what the tool answers. */

import { emptyDocument } from "../../web/model/document.js";
import { fitView, toView } from "../../web/model/viewport.js";

const SIZE = { width: 800, height: 400 };

export function makeStage(tool, document = emptyDocument(SIZE), overrides = {}) {
  const view = fitView(SIZE, { width: 800, height: 400 }, 0);
  const stage = {
    document,
    shown: document,
    selection: new Set(),
    commits: 0,
    message: null,
    box: null,
    seconds: 0,
    context: {
      time: 0,
      clipSeconds: 5,
      size: SIZE,
      view,
      settings: { brush: { radius: 0.06, spacing: 0.02 }, curve: "catmull_rom" },
      ...overrides,
    },
  };

  const send = (handler, point, keys = {}) => {
    const pointer = { point, screen: toView(view, point), seconds: stage.seconds, ...keys };
    const context = { ...stage.context, document: stage.document, selection: stage.selection };
    apply(stage, tool[handler]?.(pointer, context));
    return stage;
  };

  stage.down = (x, y, keys) => send("onPointerDown", [x, y], keys);
  stage.move = (x, y, keys) => {
    stage.seconds += 0.1;
    return send("onPointerMove", [x, y], keys);
  };
  stage.up = (x, y, keys) => send("onPointerUp", [x, y], keys);
  stage.click = (x, y, keys) => stage.down(x, y, keys).up(x, y, keys);
  stage.cancel = () => {
    tool.onCancel();
    stage.shown = stage.document;
    return stage;
  };
  return stage;
}

function apply(stage, answer) {
  if (!answer) return;
  if ("preview" in answer) {
    stage.shown = answer.preview ? answer.preview(stage.document) : stage.document;
  }
  if (answer.commit) {
    stage.document = answer.commit(stage.document);
    stage.shown = stage.document;
    stage.commits += 1;
  }
  if (answer.select) stage.selection = new Set(answer.select);
  stage.message = answer.message ?? stage.message;
  stage.box = answer.box ?? null;
}
