/**
 * What JSON.parse does not tell of a text: names given twice in one object, and whole numbers written
 * as 1.0 or 1e0, which are other numbers in Python.
 */

// Strings and braces; the numbers of drawn paths, nearly all of a text, are skipped over.
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}]/g;
const VALUE = /\s*:\s*(-?\d[^\s,}]*)?/y;

/**
 * Throws Error where an object has a name twice, or a number at one of the paths in `whole`, such as
 * "drawn_on.width", is not written as a whole one. `text` must be valid JSON.
 */
export function checkText(text, whole) {
  const open = []; // the objects around this place: names so far, and the latest of them
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (token === "{") open.push({ names: new Set(), name: "" });
    else if (token === "}") open.pop();
    else {
      VALUE.lastIndex = index + token.length;
      const value = VALUE.exec(text);
      if (value) checkName(JSON.parse(token), value[1], open, whole);
    }
  }
}

function checkName(name, number, open, whole) {
  const here = open.at(-1);
  if (here.names.has(name)) {
    throw new Error(`This motion gives the field "${name.slice(0, 40)}" twice in one object.`);
  }
  here.names.add(name);
  here.name = name;
  const path = open.map((one) => one.name).join(".");
  if (number !== undefined && whole.includes(path) && !/^-?\d+$/.test(number)) {
    throw new Error(`This motion: "${path}" must be a whole number, not ${number.slice(0, 40)}.`);
  }
}
