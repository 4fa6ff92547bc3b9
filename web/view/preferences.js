/** What the person prefers, kept by the browser from one visit to the next. */

const KEY = "motion_prompting.editor";

/** The preferences that were kept; an empty object where the browser keeps none. */
export function preferences() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return kept !== null && typeof kept === "object" ? kept : {};
  } catch {
    return {}; // the page may not store anything, or another program wrote there
  }
}

/** Keeps some preferences beside the others. */
export function keepPreferences(changes) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...preferences(), ...changes }));
  } catch {
    // Without storage they last until the page is left.
  }
}
