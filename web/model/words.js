/** Texts in the user's language: English texts are the keys, and what the table lacks stays English. */

let table = {};

/** Sets the translations: {English: translated}. */
export function setWords(words) {
  table = words ?? {};
}

/** A text in the user's language. */
export function word(text) {
  return Object.hasOwn(table, text) ? table[text] : text;
}

/** A text with places such as {n}, filled from `values`. */
export function phrase(text, values) {
  return word(text).replace(/\{(\w+)\}/g, (place, name) => (Object.hasOwn(values, name) ? values[name] : place));
}
