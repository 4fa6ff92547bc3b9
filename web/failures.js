/**
 * The first sentence of an error of this pack's nodes in a message of its own: the host's says that a
 * node failed, and the sentence only after a click.
 */

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";

const PREFIX = "MotionPrompting";
const SECONDS = 20;
// A stop, a space and a capital begin the next sentence; a stop inside a number or a name does not.
const SENTENCE = /^.*?[.!?](?=\s+[A-Z"“]|\s*$)/s;

app.registerExtension({
  name: "motion_prompting.failures",
  setup() {
    api.addEventListener("execution_error", ({ detail }) => {
      if (!detail?.node_type?.startsWith(PREFIX)) return;
      const node = app.graph?.getNodeById?.(detail.node_id);
      const text = detail.exception_message?.trim() ?? "";
      app.extensionManager?.toast?.add?.({
        ...{ severity: "error", life: SECONDS * 1000, summary: node?.title ?? detail.node_type },
        detail: text.match(SENTENCE)?.[0] ?? text,
      });
    });
  },
});
