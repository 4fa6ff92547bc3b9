import assert from "node:assert/strict";
import { test } from "node:test";

import { brushDots, pullWeights } from "../../web/layers/drag.js";
import { readDocument } from "../../web/layers/read_document.js";
import { polygonDots } from "../../web/model/area_dots.js";
import {
  addLayer,
  changeLayers,
  emptyDocument,
  moveLayer,
  pasteLayers,
  removeLayers,
  writeDocument,
} from "../../web/model/document.js";
import { centroid, isInside } from "../../web/model/geometry.js";
import { simplifyStroke, smoothStroke } from "../../web/model/simplify.js";
import { fitView, toPicture, toView, zoomAt } from "../../web/model/viewport.js";

const SIZE = { width: 832, height: 480 };
const dragLayer = (id) => ({ id, type: "drag", points: [[0, 0.5, 0.5]] });

test("edits leave the old document alone", () => {
  const before = addLayer(dragLayer("a"))(emptyDocument(SIZE));
  const text = writeDocument(before);
  const after = [
    addLayer(dragLayer("b")),
    changeLayers(["a"], { name: "ear" }),
    moveLayer("b", 0),
    pasteLayers(before.layers, [0.1, 0]),
    removeLayers(["a"]),
  ].reduce((document, edit) => edit(document), before);
  assert.equal(writeDocument(before), text);
  assert.deepEqual(after.layers.map((layer) => layer.id), ["b", "drag-1"]);
  assert.deepEqual(after.layers[1].points, [[0, 0.6, 0.5]]);
});

const REFUSED = {
  "half a document": ['{"version": 1', /JSON/],
  "a list": ["[]", /object/],
  "no version": ["{}", /version/],
  "a newer version": ['{"version": 3}', /newer/],
  "no canvas": ['{"version": 1, "layers": []}', /drawn_on/],
  "an unknown layer": [
    '{"version":1,"drawn_on":{"width":8,"height":8},"layers":[{"id":"a","type":"lasso"}]}',
    /lasso/,
  ],
  "a path without points": [
    '{"version":1,"drawn_on":{"width":8,"height":8},"layers":[{"id":"a","type":"drag"}]}',
    /"points" is missing/,
  ],
  "the same id twice": [
    JSON.stringify({
      version: 1,
      drawn_on: { width: 8, height: 8 },
      layers: [dragLayer("a"), dragLayer("a")],
    }),
    /Two layers/,
  ],
};
for (const [name, [text, message]] of Object.entries(REFUSED)) {
  test(`reading refuses ${name}`, () => assert.throws(() => readDocument(text), message));
}

test("a simplified stroke keeps place and time within the tolerance", () => {
  const points = Array.from({ length: 3600 }, (_, i) => {
    const t = i / 3599;
    return [t, 0.5 + 0.3 * Math.cos(9 * t) * t, 0.5 + 0.4 * Math.sin(14 * t)];
  });
  const kept = simplifyStroke(points, SIZE, 0.5);
  assert.ok(kept.length < points.length / 10, `${kept.length} of ${points.length}`);
  let segment = 0;
  for (const [t, x, y] of points) {
    while (segment < kept.length - 2 && kept[segment + 1][0] < t) segment += 1;
    const [from, to] = [kept[segment], kept[segment + 1]];
    const share = (t - from[0]) / (to[0] - from[0]);
    const dx = (from[1] + share * (to[1] - from[1]) - x) * SIZE.width;
    const dy = (from[2] + share * (to[2] - from[2]) - y) * SIZE.height;
    // Half a pixel, and what storing times and places to 1e-5 adds.
    assert.ok(Math.hypot(dx, dy) <= 0.5 + 0.15, `off by ${Math.hypot(dx, dy)} at ${t}`);
  }
});

test("a pause is motion too: it survives simplification", () => {
  const still = Array.from({ length: 50 }, (_, i) => [i / 100, 0.2, 0.5]);
  const moving = Array.from({ length: 51 }, (_, i) => [0.5 + i / 100, 0.2 + i / 100, 0.5]);
  const kept = simplifyStroke([...still, ...moving], SIZE);
  assert.equal(kept.length, 3);
  assert.ok(Math.abs(kept[1][0] - 0.5) < 0.011);
});

test("a minute of freehand drawing stays small", () => {
  // A loop of 600 px every two seconds, a tremor of 1 px at 8 Hz, 120 events a second, whole pixels.
  const side = 1024;
  const points = Array.from({ length: 7200 }, (_, i) => {
    const seconds = i / 120;
    const tremor = Math.sin(2 * Math.PI * 8 * seconds);
    const x = side * (0.5 + 0.3 * Math.sin(3.1 * seconds)) + tremor;
    const y = side * (0.5 + 0.3 * Math.cos(2.7 * seconds)) + tremor;
    return [seconds, Math.round(x) / side, Math.round(y) / side];
  });
  const size = { width: side, height: side };
  const clip = smoothStroke(points).map(([t, x, y]) => [t / 60, x, y]);
  const stroke = simplifyStroke(clip, size);
  const document = addLayer({ type: "drag", points: stroke })(emptyDocument(size));
  assert.ok(writeDocument(document).length <= 64 * 1024, `${writeDocument(document).length} bytes`);
});

test("the view maps there and back, and zoom keeps the point under the pointer", () => {
  const view = fitView(SIZE, { width: 500, height: 300 });
  const point = [0.3, 0.7];
  const back = toPicture(view, toView(view, point));
  back.forEach((value, axis) => assert.ok(Math.abs(value - point[axis]) < 1e-12));
  const anchor = [120, 80];
  const before = toPicture(view, anchor);
  const after = toPicture(zoomAt(view, anchor, 3), anchor);
  after.forEach((value, axis) => assert.ok(Math.abs(value - before[axis]) < 1e-12));
});

test("a round brush holds the lattice points within its radius", () => {
  const dots = brushDots([0.5, 0.5], { radius: 0.05, spacing: 0.025, shape: "round" }, SIZE);
  assert.equal(dots.length, 2 * 13);
  const square = brushDots([0.5, 0.5], { radius: 0.05, spacing: 0.025, shape: "square" }, SIZE);
  assert.equal(square.length, 2 * 25);
  assert.deepEqual([...brushDots([0.5, 0.5], { radius: 0, spacing: 0.02 }, SIZE)], [0.5, 0.5]);
});

test("a Gaussian brush pulls its rim by exp(-2)", () => {
  const brush = { radius: 0.1, spacing: 0.02, falloff: "gaussian" };
  const rim = [0.5 + (0.1 * 480) / 832, 0.5];
  const [weight] = pullWeights(rim, [0.5, 0.5], brush, SIZE);
  assert.ok(Math.abs(weight - Math.exp(-2)) < 1e-12);
});

test("polygons: inside, centroid and dots", () => {
  const square = [[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]];
  assert.ok(isInside([0.5, 0.5], square));
  assert.ok(!isInside([0.8, 0.5], square));
  centroid(square).forEach((value) => assert.ok(Math.abs(value - 0.5) < 1e-12));
  assert.equal(polygonDots(square, 0.25, { width: 100, height: 100 }).length, 2 * 4);
});
