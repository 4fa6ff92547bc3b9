import assert from "node:assert/strict";
import { test } from "node:test";

import { addLayer, emptyDocument, readDocument, writeDocument } from "../../web/model/document.js";
import { eraserTool } from "../../web/tools/eraser.js";
import { freehandTool } from "../../web/tools/freehand.js";
import { TOOLS } from "../../web/tools/index.js";
import { pathTool } from "../../web/tools/path.js";
import { pinTool } from "../../web/tools/pin.js";
import { regionTool } from "../../web/tools/region.js";
import { selectTool } from "../../web/tools/select.js";
import { sphereTool } from "../../web/tools/sphere.js";
import { makeStage } from "./stage.js";

const SIZE = { width: 800, height: 400 };
const close = (got, wanted, slack = 1e-4) =>
  wanted.forEach((value, i) => assert.ok(Math.abs(got[i] - value) <= slack, `${got} ~ ${wanted}`));

const withLayers = (...layers) => layers.reduce((d, l) => addLayer(l)(d), emptyDocument(SIZE));
const drag = (id, points, more = {}) => ({ id, type: "drag", points, curve: "linear", ...more });

test("a freehand drag is one change, timed by the hand", () => {
  const stage = makeStage(freehandTool());
  stage.down(0.2, 0.5).move(0.3, 0.5).move(0.5, 0.5).up(0.5, 0.5);
  assert.equal(stage.commits, 1);
  const [layer] = stage.document.layers;
  assert.equal(layer.type, "drag");
  close([layer.start, layer.end], [0, 0.04]);
  assert.deepEqual(layer.points, [
    [0, 0.2, 0.5],
    [0.5, 0.3, 0.5],
    [1, 0.5, 0.5],
  ]);
  assert.deepEqual([...stage.selection], [layer.id]);
});

test("a drag begun late in the clip is played faster, never cut off", () => {
  const stage = makeStage(freehandTool(), undefined, { time: 0.9, clipSeconds: 1 });
  stage.down(0.2, 0.5);
  for (let i = 1; i <= 5; i += 1) stage.move(0.2 + i * 0.1, 0.5);
  stage.up(0.7, 0.5);
  const [layer] = stage.document.layers;
  close([layer.start, layer.end], [0.9, 1]);
  assert.deepEqual(layer.points.at(-1), [1, 0.7, 0.5]);
});

test("a click is no drag, and says how to draw one", () => {
  const stage = makeStage(freehandTool()).click(0.5, 0.5);
  assert.equal(stage.commits, 0);
  assert.match(stage.message, /drag/);
});

test("a cancelled gesture changes nothing, with any tool", () => {
  for (const { name, make } of TOOLS) {
    const before = withLayers(drag("a", [[null, 0.1, 0.1], [null, 0.4, 0.4]]));
    const stage = makeStage(make(), before);
    if (name === "path") continue; // a click of the path tool is a whole gesture
    stage.down(0.6, 0.6).move(0.7, 0.7).move(0.8, 0.6).cancel();
    assert.equal(stage.commits, 0, name);
    assert.equal(stage.document, before, name);
    stage.up(0.8, 0.6);
    assert.equal(stage.document.layers.length, 1, name);
  }
});

test("points may leave the frame", () => {
  const stage = makeStage(freehandTool());
  stage.down(0.9, 0.5).move(1.2, 0.5).up(1.2, 0.5);
  assert.equal(stage.document.layers[0].points.at(-1)[1], 1.2);
});

test("a path grows by clicks, a point moves by a drag, Alt removes it", () => {
  const stage = makeStage(pathTool());
  stage.click(0.1, 0.1).click(0.5, 0.5).click(0.9, 0.1);
  assert.equal(stage.document.layers.length, 1);
  assert.equal(stage.commits, 3);
  stage.down(0.5, 0.5).move(0.5, 0.8).up(0.5, 0.8);
  assert.deepEqual(stage.document.layers[0].points[1], [null, 0.5, 0.8]);
  stage.down(0.5, 0.8, { alt: true }).up(0.5, 0.8);
  assert.deepEqual(stage.document.layers[0].points, [
    [null, 0.1, 0.1],
    [null, 0.9, 0.1],
  ]);
});

test("a click on a path's line inserts a point there", () => {
  const stage = makeStage(pathTool()).click(0.1, 0.5).click(0.9, 0.5).click(0.5, 0.5);
  assert.deepEqual(stage.document.layers[0].points[1], [null, 0.5, 0.5]);
});

test("Enter ends a path, the next click begins another", () => {
  const tool = pathTool();
  const stage = makeStage(tool).click(0.1, 0.1).click(0.2, 0.4);
  tool.onKey({ key: "Enter" });
  stage.selection = new Set();
  stage.click(0.8, 0.8);
  assert.equal(stage.document.layers.length, 2);
});

test("pins gather in one layer, a loop pins an area", () => {
  const stage = makeStage(pinTool()).click(0.2, 0.2).click(0.4, 0.2);
  assert.deepEqual(stage.document.layers[0].points, [[0.2, 0.2], [0.4, 0.2]]);
  stage.down(0.6, 0.6).move(0.8, 0.6).move(0.8, 0.9).move(0.6, 0.9).up(0.6, 0.9);
  assert.equal(stage.document.layers[1].polygon.length, 4);
});

test("a sphere is placed from its middle to its rim, then spun, moved and sized", () => {
  const stage = makeStage(sphereTool());
  stage.down(0.5, 0.5).move(0.625, 0.5).up(0.625, 0.5);
  assert.equal(stage.document.layers[0].radius, 0.25); // 100 px of a short side of 400
  stage.down(0.55, 0.5).move(0.6, 0.5).up(0.6, 0.5);
  assert.deepEqual(stage.document.layers[0].points.at(-1), [1, 0.6, 0.5]);
  stage.down(0.5, 0.5).move(0.4, 0.4).up(0.4, 0.4);
  assert.deepEqual(stage.document.layers[0].center, [0.4, 0.4]);
  close(stage.document.layers[0].points.at(-1), [1, 0.5, 0.4]);
  stage.down(0.525, 0.4).move(0.65, 0.4).up(0.65, 0.4);
  assert.equal(stage.document.layers[0].radius, 0.5);
});

test("a region is drawn, and moving it sets a key at the playhead", () => {
  const stage = makeStage(regionTool());
  stage.down(0.4, 0.4).move(0.6, 0.4).move(0.6, 0.6).move(0.4, 0.6).up(0.4, 0.6);
  assert.equal(stage.document.layers[0].type, "region");
  stage.context.time = 1;
  stage.down(0.5, 0.5).move(0.6, 0.5).up(0.6, 0.5);
  const { keys } = stage.document.layers[0];
  assert.equal(keys.length, 2);
  close([keys[1].t, keys[1].dx, keys[1].dy, keys[1].rotate_deg, keys[1].scale], [1, 0.1, 0, 0, 1]);
});

test("select: click, shift-click, box, and a drag that moves whole layers", () => {
  const before = withLayers(
    drag("a", [[null, 0.1, 0.1], [null, 0.3, 0.1]]),
    drag("b", [[null, 0.7, 0.7], [null, 0.9, 0.7]]),
  );
  const stage = makeStage(selectTool(), before).click(0.2, 0.1);
  assert.deepEqual([...stage.selection], ["a"]);
  stage.click(0.8, 0.7, { shift: true });
  assert.deepEqual([...stage.selection], ["a", "b"]);
  stage.down(0.2, 0.1).move(0.2, 0.2).up(0.2, 0.2);
  assert.equal(stage.commits, 1);
  assert.deepEqual(stage.document.layers[1].points[0], [null, 0.7, 0.8]);
  stage.click(0.5, 0.5);
  assert.equal(stage.selection.size, 0);
  stage.down(0.05, 0.05).move(0.4, 0.4).up(0.4, 0.4);
  assert.deepEqual([...stage.selection], ["a"]);
});

test("locked and hidden layers are not picked", () => {
  const line = [[null, 0.1, 0.1], [null, 0.3, 0.1]];
  for (const more of [{ locked: true }, { enabled: false }]) {
    const stage = makeStage(selectTool(), withLayers(drag("a", line, more))).click(0.2, 0.1);
    assert.equal(stage.selection.size, 0);
  }
});

test("the eraser takes single dots of a pin and whole strokes, as one change", () => {
  const before = withLayers(
    drag("a", [[null, 0.1, 0.1], [null, 0.3, 0.1]]),
    { id: "p", type: "pin", points: [[0.5, 0.5], [0.9, 0.9]], spacing: 0.04 },
  );
  const stage = makeStage(eraserTool(), before);
  stage.down(0.2, 0.1).move(0.5, 0.5).up(0.5, 0.5);
  assert.equal(stage.commits, 1);
  assert.deepEqual(stage.document.layers.map((layer) => layer.id), ["p"]);
  assert.deepEqual(stage.document.layers[0].points, [[0.9, 0.9]]);
});

test("what tools draw can be read back", () => {
  const stage = makeStage(freehandTool());
  stage.down(0.2, 0.5).move(0.3, 0.6).move(0.5, 0.5).up(0.5, 0.5);
  assert.deepEqual(readDocument(writeDocument(stage.document)), stage.document);
});
