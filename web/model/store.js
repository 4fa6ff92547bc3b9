/**
 * The state of one editor and its listeners. The document changes only by edits; a preview is an
 * edit that is shown but not kept.
 */

import { emptyDocument } from "./document.js";

const FIRST_STATE = {
  preview: null,
  selection: new Set(), // replaced, never changed
  time: 0,
  isPlaying: false,
  tool: "select",
  clip: { frames: 81, fps: 16 },
  settings: { brush: { radius: 0.06, spacing: 0.02 }, curve: "catmull_rom", pacing: "hand", cell: 1 / 16 },
  point: null, // { id, index } of the chosen point
  box: null,
  brushAt: null, // where the next brush is shown while its size changes; null: at the pointer
  drawing: null, // id of the path that the next click extends
  guides: [], // levels that hold the pointer, as snap.js gives them
  message: null,
};

/**
 * A store: read `state`, change it through its methods, observe it by `subscribe`. `prepare` makes
 * the document ready for an edit; `onCommit` receives every document that is kept.
 */
export function makeStore({ size, prepare = (document) => document, onCommit = () => {} }) {
  const listeners = new Set();
  let state = { document: emptyDocument(size), ...FIRST_STATE };

  const put = (changes) => {
    const old = state;
    state = { ...state, ...changes };
    listeners.forEach((listener) => listener(state, old));
  };

  return {
    get state() {
      return state;
    },
    /** The document as it should look now: with the preview of a gesture under way. */
    get shown() {
      return state.preview ? state.preview(state.document) : state.document;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    set: put,
    /** Takes a document from outside: nothing is committed. */
    load(document) {
      const ids = new Set(document.layers.map((layer) => layer.id));
      const selection = new Set([...state.selection].filter((id) => ids.has(id)));
      const drawing = ids.has(state.drawing) ? state.drawing : null;
      put({ document, preview: null, selection, drawing });
    },
    /** Keeps an edit: the document changes once and `onCommit` receives it. */
    commit(edit) {
      const document = edit(prepare(state.document));
      put({ document, preview: null });
      onCommit(document);
    },
    /** Applies the answer of a tool. */
    apply(answer) {
      if (!answer) return;
      const { commit, select, message = null, box = null, brushAt = null } = answer;
      put({ preview: answer.preview ?? null, message, box, brushAt });
      if (answer.drawing !== undefined) put({ drawing: answer.drawing });
      if (answer.settings) put({ settings: { ...state.settings, ...answer.settings } });
      if (commit) this.commit(commit);
      if (select) put({ selection: new Set(select) });
    },
  };
}

/** The length of a clip in seconds. */
export function clipSeconds({ frames, fps }) {
  return Math.max(frames - 1, 1) / fps;
}

/** The frame shown at a time, 0-based. */
export function frameAt(time, { frames }) {
  return Math.round(time * Math.max(frames - 1, 0));
}
