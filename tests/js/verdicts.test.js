/** What Python reads and refuses, the editor reads and refuses; and what it reads it can paint. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { layerType } from "../../web/layers/index.js";
import { checkText } from "../../web/layers/json_text.js";
import { readDocument } from "../../web/layers/read_document.js";

const { cases } = JSON.parse(
  readFileSync(new URL("../golden/verdicts.json", import.meta.url), "utf8"),
);
const CASES = cases.filter(({ document }) => document !== undefined);
const TEXTS = cases.filter(({ text }) => text !== undefined);
const MOST_MS = 1000;
const isRead = (text) => {
  try {
    readDocument(text);
    return true;
  } catch (error) {
    assert.match(error.message, /^.{10,400}$/s, "a sentence");
    return false;
  }
};

test("the editor's verdicts are Python's", () => {
  for (const { name, document, is_valid } of CASES) {
    assert.equal(isRead(JSON.stringify(document)), is_valid, `${name}: ${JSON.stringify(document)}`);
  }
});

test("the editor's verdicts on texts are Python's", () => {
  for (const { name, text, is_valid } of TEXTS) assert.equal(isRead(text), is_valid, name);
  assert.ok(TEXTS.some(({ is_valid }) => is_valid) && TEXTS.some(({ is_valid }) => !is_valid));
});

test("a long drawing is checked in a fraction of a second", () => {
  const points = Array.from({ length: 20000 }, (_, n) => [n / 20000, 0.123456, 0.654321]);
  const layers = Array.from({ length: 5 }, (_, n) => ({ id: `${n}`, type: "drag", points }));
  const text = JSON.stringify({ version: 1, drawn_on: { width: 8, height: 6 }, layers });
  const began = performance.now();
  checkText(text, ["version"]);
  assert.ok(performance.now() - began < MOST_MS, `${text.length} characters`);
});

test("a byte order mark before a document is left out, as in Python", () => {
  const { document } = CASES.find((one) => one.is_valid);
  assert.ok(isRead(`\uFEFF${JSON.stringify(document)}`));
  assert.ok(!isRead(`\uFEFF\uFEFF${JSON.stringify(document)}`));
});

test("what is read gives tracks, lines and outlines without a throw, and soon", () => {
  const size = { width: 832, height: 480 };
  for (const { name, document, is_valid } of CASES) {
    if (!is_valid) continue;
    const began = performance.now();
    for (const layer of document.layers) {
      const type = layerType(layer);
      const scene = { size, drawnOn: document.drawn_on, frames: 49 };
      const tracks = type.tracks(layer, size, document.drawn_on);
      for (const time of [0, 0.3, 1]) {
        const { xy, visible } = tracks.at(time);
        assert.equal(xy.length, 2 * visible.length, name);
        assert.ok(xy.every(Number.isFinite), `${name}: ${layer.id}`);
      }
      type.outline(layer, size);
      type.line?.(layer, scene);
      type.ticks?.(layer, scene);
    }
    assert.ok(performance.now() - began < MOST_MS, `${name} is slow`);
  }
});

test("a tiny spacing asks for no memory", () => {
  const size = { width: 832, height: 480 };
  const polygon = [[0, 0], [1, 0], [1, 1], [0, 1]];
  const pin = { id: "p", type: "pin", polygon, spacing: 2e-8 };
  assert.equal(layerType(pin).tracks(pin, size, size).dots.length, 0);
  const document = { version: 1, drawn_on: size, layers: [pin] };
  assert.throws(() => readDocument(JSON.stringify(document)), /"spacing" must be a number from/);
});
