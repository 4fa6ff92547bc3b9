/** A runner for tools without a page: feeds pointer events and applies what the tool answers. */

import { emptyDocument } from "../../web/model/document.js";
import { fitView, toView } from "../../web/model/viewport.js";

const SIZE = { width: 800, height: 400 };

export function makeToolRunner(tool, document = emptyDocument(SIZE), overrides = {}) {
  const view = fitView(SIZE, { width: 800, height: 400 }, 0);
  const runner = {
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
      drawing: null,
      size: SIZE,
      view,
      settings: { brush: { radius: 0.06, spacing: 0.02 }, curve: "catmull_rom", pacing: "hand" },
      ...overrides,
    },
  };

  const send = (handler, point, keys = {}) => {
    const pointer = { point, screen: toView(view, point), seconds: runner.seconds, ...keys };
    const context = { ...runner.context, document: runner.document, selection: runner.selection };
    apply(runner, tool[handler]?.(pointer, context));
    return runner;
  };

  runner.down = (x, y, keys) => send("onPointerDown", [x, y], keys);
  runner.move = (x, y, keys) => {
    runner.seconds += 0.1;
    return send("onPointerMove", [x, y], keys);
  };
  runner.up = (x, y, keys) => send("onPointerUp", [x, y], keys);
  runner.click = (x, y, keys) => runner.down(x, y, keys).up(x, y, keys);
  runner.key = (key) => {
    apply(runner, tool.onKey?.({ key }, runner.context));
    return runner;
  };
  runner.cancel = () => {
    tool.onCancel();
    runner.shown = runner.document;
    return runner;
  };
  return runner;
}

function apply(runner, answer) {
  if (!answer) return;
  if ("preview" in answer) {
    runner.shown = answer.preview ? answer.preview(runner.document) : runner.document;
  }
  if (answer.commit) {
    runner.document = answer.commit(runner.document);
    runner.shown = runner.document;
    runner.commits += 1;
  }
  if (answer.select) runner.selection = new Set(answer.select);
  if (answer.drawing !== undefined) runner.context.drawing = answer.drawing;
  if (answer.settings) Object.assign(runner.context.settings, answer.settings);
  runner.message = answer.message ?? runner.message;
  runner.box = answer.box ?? null;
}
