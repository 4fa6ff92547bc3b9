/** Snapping: to points first, then to levels of points and the picture, then to the grid. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { snapped } from "../../web/model/snap.js";
import { fitView } from "../../web/model/viewport.js";

const SIZE = { width: 800, height: 400 }; // a pixel of the view is one of the picture
const view = fitView(SIZE, SIZE, 0);
const layer = { id: "a", curve: "linear", points: [[null, 0.2, 0.3], [null, 0.61, 0.77]] };
const recorded = { id: "b", curve: "recorded", points: [[0, 0.9, 0.1], [0.5, 0.8, 0.2], [1, 0.9, 0.3]] };
const scene = { document: { layers: [layer, recorded] }, view, cell: 0.125 }; // 50 px

test("a point within seven pixels holds both axes", () => {
  assert.deepEqual(snapped([0.205, 0.31], scene).point, [0.2, 0.3]);
  assert.equal(snapped([0.205, 0.31], scene).guides.length, 2);
});

test("a level holds one axis, the other is free", () => {
  const { point, guides } = snapped([0.215, 0.775], scene);
  assert.deepEqual([point, guides], [[0.215, 0.77], [{ axis: 1, at: 0.77 }]]);
  assert.deepEqual(snapped([0.503, 0.81], scene).point, [0.5, 0.81], "the middle of the picture");
});

test("grid lines hold where nothing else does", () => {
  assert.deepEqual(snapped([0.314, 0.631], scene).point, [0.3125, 0.625]);
  assert.deepEqual(snapped([0.28, 0.68], scene), { point: [0.28, 0.68], guides: [] });
});

test("of a recorded line only the ends hold", () => {
  assert.deepEqual(snapped([0.902, 0.105], scene).point, [0.9, 0.1]);
  assert.deepEqual(snapped([0.782, 0.205], scene).point, [0.782, 0.205]);
});

test("what is moved does not hold itself, and whole layers snap by their start", () => {
  const except = { id: "a", index: 0 };
  assert.notDeepEqual(snapped([0.205, 0.31], scene, { except }).point, [0.2, 0.3]);
  const { point } = snapped([0.41, 0.5], scene, { except: { ids: ["a"] }, offset: [0.095, -0.02] });
  assert.deepEqual(point.map((value) => Math.round(value * 1e6) / 1e6), [0.405, 0.5]);
});
