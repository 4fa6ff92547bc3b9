/** Each type of layer is one module; the modules below the view are pure and import downwards. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { LAYERS, layerType } from "../../web/layers/index.js";
import { TOOLS } from "../../web/tools/index.js";

const WEB = fileURLToPath(new URL("../../web", import.meta.url));
const ORDER = ["model", "layers", "tools", "view"]; // each may import itself and what is before it
const FILES = readdirSync(WEB, { recursive: true })
  .filter((name) => name.endsWith(".js"))
  .map((name) => ({ name: name.replaceAll("\\", "/"), text: readFileSync(join(WEB, name), "utf8") }));
const PAGE = /\b(window|globalThis|app|api)\b|\bdocument\.(body|head|createElement\w*|querySelector\w*|addEventListener|activeElement)\b/;

const withoutComments = (text) => text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "");
const folderOf = (name) => name.split("/")[0];

function importsOf({ name, text }) {
  return [...text.matchAll(/from "(\.[^"]+)"/g)].map(([, path]) =>
    relative(WEB, resolve(WEB, dirname(name), path)).replaceAll("\\", "/"),
  );
}

/** Each quoted name of a type, or a comparison of a type, in a file. */
function typeMentions({ text }) {
  const names = LAYERS.map(({ type }) => type).join("|");
  return withoutComments(text).match(new RegExp(`["'\`](${names})["'\`]|\\blayer\\.type\\s*[!=]==?`, "g")) ?? [];
}

for (const { type, title } of LAYERS) {
  test(`${type}: its name stands in its own module alone`, () => {
    const quoted = new RegExp(`["'\`]${type}["'\`]`);
    const own = `layers/${title.toLowerCase()}.js`;
    const files = FILES.filter(({ text }) => quoted.test(withoutComments(text)));
    assert.deepEqual(files.map(({ name }) => name), [own]);
    const importers = FILES.filter((file) => importsOf(file).includes(own)).map(({ name }) => name);
    assert.deepEqual(importers, ["layers/index.js"]);
  });
}

test("no file beside the types' own switches on a type", () => {
  const own = new Set(LAYERS.map(({ title }) => `layers/${title.toLowerCase()}.js`));
  const others = FILES.filter(({ name }) => !own.has(name));
  const found = others.filter((file) => typeMentions(file).length).map(({ name }) => name);
  assert.deepEqual(found, []);
  assert.equal(typeMentions({ text: 'layer.type === "drag"' }).length, 2, "the rule finds them");
});

test("files import downwards only", () => {
  for (const file of FILES.filter(({ name }) => ORDER.includes(folderOf(name)))) {
    const rank = ORDER.indexOf(folderOf(file.name));
    for (const path of importsOf(file)) {
      const other = ORDER.indexOf(folderOf(path));
      assert.ok(other >= 0 && other <= rank, `${file.name} may not import ${path}`);
    }
  }
});

// Files that connect the editor to the host.
const OF_THE_HOST = [
  ...["draw_motion.js", "node_text.js", "node_search.js", "language.js", "templates.js", "failures.js"],
];

test("model, layers and tools never touch a page", () => {
  for (const { name, text } of FILES.filter(({ name }) => folderOf(name) !== "view")) {
    if (OF_THE_HOST.includes(basename(name))) continue;
    assert.equal(withoutComments(text).match(PAGE), null, name);
  }
  assert.ok(PAGE.test("document.createElement('a')") && PAGE.test("window.x"), "the rule finds it");
});

test("every type has all that the registry promises", () => {
  const parts = ["check", "tracks", "outline", "draw", "parts", "canSelectPoint", "canMovePoint"];
  for (const one of LAYERS) {
    assert.equal(layerType({ type: one.type }), one);
    for (const name of parts) assert.equal(typeof one[name], "function", `${one.type}.${name}`);
    assert.equal(typeof one.hasPath, "boolean");
    assert.equal(typeof one.hasTiming, "boolean");
    assert.ok(one.tools.length > 0);
    const tools = TOOLS.map(({ name }) => name);
    assert.ok(one.editTool === null || tools.includes(one.editTool));
  }
  assert.equal(layerType({ type: "lasso" }), undefined);
});

test("tools have different names and keys, and all have a hint and an icon", () => {
  for (const field of ["name", "key"]) {
    assert.equal(new Set(TOOLS.map((tool) => tool[field])).size, TOOLS.length);
  }
  for (const { name, label, hint, icon, make } of TOOLS) {
    assert.ok(label && hint && icon.startsWith("<"), name);
    assert.equal(typeof make().onPointerDown, "function", name);
  }
});
