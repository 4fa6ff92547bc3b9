import assert from "node:assert/strict";
import { test } from "node:test";

import { layerType } from "../../web/layers/index.js";
import { addLayer, emptyDocument } from "../../web/model/document.js";
import { clipSeconds, frameAt, makeStore } from "../../web/model/store.js";
import { inTuples } from "./flat.js";

const SIZE = { width: 400, height: 200 };
const line = { id: "a", type: "drag", points: [[0, 0.2, 0.5], [1, 0.6, 0.5]] };

test("a preview is shown and forgotten, a commit is kept and reported once", () => {
  const committed = [];
  const store = makeStore({ size: SIZE, onCommit: (document) => committed.push(document) });
  store.apply({ preview: addLayer(line) });
  assert.equal(store.shown.layers.length, 1);
  assert.equal(store.state.document.layers.length, 0);
  store.apply({});
  assert.equal(store.shown.layers.length, 0);
  store.apply({ commit: addLayer(line), select: ["a"] });
  assert.equal(committed.length, 1);
  assert.equal(committed[0], store.state.document);
  assert.deepEqual([...store.state.selection], ["a"]);
});

test("loading keeps the selection of layers that are still there", () => {
  const store = makeStore({ size: SIZE });
  store.apply({ commit: addLayer(line), select: ["a", "gone"] });
  store.load(addLayer(line)(emptyDocument(SIZE)));
  assert.deepEqual([...store.state.selection], ["a"]);
});

test("listeners are called until they unsubscribe", () => {
  const store = makeStore({ size: SIZE });
  let calls = 0;
  const unsubscribe = store.subscribe(() => (calls += 1));
  store.set({ time: 0.5 });
  unsubscribe();
  store.set({ time: 0.6 });
  assert.equal(calls, 1);
});

test("clip time: 81 frames at 16 fps last five seconds", () => {
  assert.equal(clipSeconds({ frames: 81, fps: 16 }), 5);
  assert.equal(frameAt(0.5, { frames: 81 }), 40);
  assert.equal(frameAt(1, { frames: 1 }), 0);
});

const layerTracks = (layer) => layerType(layer).tracks(layer, SIZE, SIZE);
const near = (got, wanted) => wanted.forEach((v, i) => assert.ok(Math.abs(got[i] - v) < 1e-9));

test("the dots of a drag follow the pointer, rigid or less the farther away", () => {
  const rigid = layerTracks({ ...line, brush: { radius: 0.1, spacing: 0.1 } });
  const dots = inTuples(rigid.dots);
  assert.equal(dots.length, 5);
  inTuples(rigid.at(0.5).xy).forEach((at, i) => near(at, [dots[i][0] + 0.2, dots[i][1]]));
  const brush = { radius: 0.1, spacing: 0.1, falloff: "gaussian" };
  const soft = layerTracks({ ...line, brush });
  near(soft.at(1).xy, [soft.dots[0] + 0.4 * Math.exp(-2), soft.dots[1]]);
});

test("a sphere's first dot stays under the pointer and dots that turn away vanish", () => {
  const layer = { ...line, type: "sphere", center: [0.4, 0.5], radius: 0.5, spacing: 0.2 };
  const tracks = layerTracks({ ...layer, points: [[0, 0.4, 0.5], [1, 0.6, 0.5]] });
  near(tracks.at(0.5).xy, [0.5, 0.5]);
  assert.ok(tracks.at(1).visible.some((isVisible) => !isVisible));
  assert.ok(tracks.at(0).visible.every((isVisible) => isVisible));
});

test("a region turns about its pivot in pixels, not in stretched fractions", () => {
  const polygon = [[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]];
  const keys = [{ t: 0 }, { t: 1, rotate_deg: 90 }];
  const tracks = layerTracks({ id: "r", type: "region", polygon, keys, spacing: 0.5 });
  const from = tracks.dots;
  const [x, y] = tracks.at(1).xy;
  // A quarter turn clockwise on screen takes (dx, dy) to (-dy, dx), in pixels.
  const [dx, dy] = [(from[0] - 0.5) * SIZE.width, (from[1] - 0.5) * SIZE.height];
  near([(x - 0.5) * SIZE.width, (y - 0.5) * SIZE.height], [-dy, dx]);
});
