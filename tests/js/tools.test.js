import assert from "node:assert/strict";
import { test } from "node:test";

import { pathTool as pathToolOf } from "../../web/layers/path_tool.js";
import { scaledBrush } from "../../web/layers/brush.js";
import { pinTool } from "../../web/layers/pin.js";
import { readDocument } from "../../web/layers/read_document.js";
import { regionTool } from "../../web/layers/region.js";
import { sphereTool } from "../../web/layers/sphere.js";
import { addLayer, emptyDocument, writeDocument } from "../../web/model/document.js";
import { dotsBeside } from "../../web/model/dots.js";
import { eraserTool } from "../../web/tools/eraser.js";
import { toolNamed, TOOLS } from "../../web/tools/index.js";
import { selectTool } from "../../web/tools/select.js";
import { inTuples } from "./flat.js";
import { makeToolRunner } from "./tool_runner.js";

const SIZE = { width: 800, height: 400 };
const close = (got, wanted, slack = 1e-4) =>
  wanted.forEach((value, i) => assert.ok(Math.abs(got[i] - value) <= slack, `${got} ~ ${wanted}`));

const withLayers = (...layers) => layers.reduce((d, l) => addLayer(l)(d), emptyDocument(SIZE));
const pathTool = () => pathToolOf("drag");
const dragTool = () => toolNamed("drag").make();
const drag = (id, points, more = {}) => ({ id, type: "drag", points, curve: "linear", ...more });

test("a freehand drag is one change, timed by the hand", () => {
  const runner = makeToolRunner(dragTool());
  runner.down(0.2, 0.5).move(0.3, 0.5).move(0.5, 0.5).up(0.5, 0.5);
  assert.equal(runner.commits, 1);
  const [layer] = runner.document.layers;
  assert.equal(layer.type, "drag");
  close([layer.start, layer.end], [0, 0.2]); // 0.2 s by hand: slowed down to one of 5 s
  assert.deepEqual(layer.points, [
    [0, 0.2, 0.5],
    [0.5, 0.3, 0.5],
    [1, 0.5, 0.5],
  ]);
  assert.deepEqual([...runner.selection], [layer.id]);
});

test("a drag begun late in the clip is played faster, never cut off", () => {
  const runner = makeToolRunner(dragTool(), undefined, { time: 0.9, clipSeconds: 1 });
  runner.down(0.2, 0.5);
  for (let i = 1; i <= 5; i += 1) runner.move(0.2 + i * 0.1, 0.5);
  runner.up(0.7, 0.5);
  const [layer] = runner.document.layers;
  close([layer.start, layer.end], [0.9, 1]);
  assert.deepEqual(layer.points.at(-1), [1, 0.7, 0.5]);
});

test("a click is no drag, and says how to draw one", () => {
  const runner = makeToolRunner(dragTool()).click(0.5, 0.5);
  assert.equal(runner.commits, 0);
  assert.match(runner.message, /drag/);
});

test("a cancelled gesture changes nothing, with any tool", () => {
  for (const { name, make } of TOOLS) {
    const before = withLayers(drag("a", [[null, 0.1, 0.1], [null, 0.4, 0.4]]));
    const runner = makeToolRunner(make(), before);
    runner.down(0.6, 0.6).move(0.7, 0.7).move(0.8, 0.6).cancel();
    assert.equal(runner.commits, 0, name);
    assert.equal(runner.document, before, name);
    runner.up(0.8, 0.6);
    assert.equal(runner.document.layers.length, 1, name);
  }
});

test("points may leave the frame", () => {
  const runner = makeToolRunner(dragTool());
  runner.down(0.9, 0.5).move(1.2, 0.5).up(1.2, 0.5);
  assert.equal(runner.document.layers[0].points.at(-1)[1], 1.2);
});

test("a drag with Alt sizes the brush by its way to the side, and draws nothing", () => {
  const runner = makeToolRunner(dragTool());
  runner.down(0.2, 0.5, { alt: true }).move(0.2 + 90 / 800, 0.9).up(0.2 + 90 / 800, 0.9);
  assert.equal(runner.commits, 0);
  close([runner.context.settings.brush.radius], [0.06 * Math.E]);
  runner.down(0.5, 0.5, { alt: true }).move(0.0, 0.5).up(0.0, 0.5);
  assert.ok(runner.context.settings.brush.radius < 0.06);
  runner.down(0.2, 0.5).move(0.3, 0.5).move(0.5, 0.5).up(0.5, 0.5);
  assert.deepEqual(runner.document.layers[0].brush, runner.context.settings.brush);
});

test("a brush keeps a radius that the inspector offers", () => {
  assert.equal(scaledBrush({ radius: 0.3, spacing: 0.02 }, 100).radius, 0.4);
  assert.equal(scaledBrush({ radius: 0.3 }, 1e-9).radius, 0.005);
  assert.ok(scaledBrush({ radius: 0 }, 1.15).radius > 0.005, "a single track can grow again");
  assert.equal(scaledBrush({ radius: 0.1, spacing: 0.03 }, 2).spacing, 0.03);
});

test("dots of the rest keep off what moves, by lengths of the short side", () => {
  const wide = { width: 400, height: 200 };
  const dots = [[0.5, 0.5], [0.53, 0.5], [0.5, 0.56], [0.9, 0.9]];
  const beside = (groups) => inTuples(dotsBeside(Float64Array.from(dots.flat()), groups, wide));
  const one = Float64Array.of(0.5, 0.5);
  assert.deepEqual(beside([{ dots: one, reach: 0.1 }]), [[0.9, 0.9]], "0.05 across, 0.1 down");
  assert.deepEqual(beside([{ dots: one, reach: 0.05 }]), dots.slice(1));
  assert.deepEqual(beside([]), dots);
});

test("dots beside others are those that a comparison of all with all finds", () => {
  let seed = 1;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const some = (count) => Float64Array.from({ length: 2 * count }, () => 1.6 * random() - 0.3);
  const wide = { width: 500, height: 200 };
  for (const reach of [0.0001, 0.03, 0.2, 5]) {
    const [dots, others] = [some(400), some(300)];
    const isFar = ([x, y]) =>
      inTuples(others).every(([ox, oy]) => Math.hypot((x - ox) * 2.5, y - oy) > reach);
    assert.deepEqual(inTuples(dotsBeside(dots, [{ dots: others, reach }], wide)), inTuples(dots).filter(isFar));
  }
});

test("a path grows by clicks, a point moves by a drag, Alt removes it", () => {
  const runner = makeToolRunner(pathTool());
  runner.click(0.1, 0.1).click(0.5, 0.5).click(0.9, 0.1);
  assert.equal(runner.document.layers.length, 1);
  assert.equal(runner.commits, 3);
  runner.down(0.5, 0.5).move(0.5, 0.8).up(0.5, 0.8);
  assert.deepEqual(runner.document.layers[0].points[1], [null, 0.5, 0.8]);
  runner.down(0.5, 0.8, { alt: true }).up(0.5, 0.8);
  assert.deepEqual(runner.document.layers[0].points, [
    [null, 0.1, 0.1],
    [null, 0.9, 0.1],
  ]);
});

test("a click on a path's line inserts a point there", () => {
  const runner = makeToolRunner(pathTool()).click(0.1, 0.5).click(0.9, 0.5).click(0.5, 0.5);
  assert.deepEqual(runner.document.layers[0].points[1], [null, 0.5, 0.5]);
});

test("Enter ends a path, the next click begins another", () => {
  const runner = makeToolRunner(pathTool()).click(0.1, 0.1).click(0.2, 0.4).key("Enter");
  runner.selection = new Set();
  runner.click(0.8, 0.8);
  assert.equal(runner.document.layers.length, 2);
});

test("pins gather in one layer, a loop pins an area", () => {
  const runner = makeToolRunner(pinTool()).click(0.2, 0.2).click(0.4, 0.2);
  assert.deepEqual(runner.document.layers[0].points, [[0.2, 0.2], [0.4, 0.2]]);
  runner.down(0.6, 0.6).move(0.8, 0.6).move(0.8, 0.9).move(0.6, 0.9).up(0.6, 0.9);
  assert.equal(runner.document.layers[1].polygon.length, 4);
});

test("a sphere is placed from its middle to its rim, then spun, moved and sized", () => {
  const runner = makeToolRunner(sphereTool());
  runner.down(0.5, 0.5).move(0.625, 0.5).up(0.625, 0.5);
  assert.equal(runner.document.layers[0].radius, 0.25); // 100 px of a short side of 400
  runner.down(0.55, 0.5).move(0.6, 0.5).up(0.6, 0.5);
  assert.deepEqual(runner.document.layers[0].points.at(-1), [1, 0.6, 0.5]);
  runner.down(0.5, 0.5).move(0.4, 0.4).up(0.4, 0.4);
  assert.deepEqual(runner.document.layers[0].center, [0.4, 0.4]);
  close(runner.document.layers[0].points.at(-1), [1, 0.5, 0.4]);
  runner.down(0.525, 0.4).move(0.65, 0.4).up(0.65, 0.4);
  assert.equal(runner.document.layers[0].radius, 0.5);
});

test("a ball's inside spins it, its rim and middle move it, its handle sizes it, with two tools", () => {
  for (const make of [sphereTool, selectTool]) {
    const ball = { id: "s", type: "sphere", center: [0.5, 0.5], radius: 0.25, points: [[0, 0.5, 0.5]] };
    const runner = makeToolRunner(make(), withLayers(ball));
    runner.selection = new Set(["s"]);
    const now = () => runner.document.layers[0];
    runner.down(0.55, 0.5).move(0.58, 0.55).move(0.6, 0.6).up(0.6, 0.6);
    close(now().points.at(-1), [1, 0.6, 0.6]);
    assert.deepEqual(now().center, [0.5, 0.5]);
    runner.down(0.5, 0.25).move(0.6, 0.25).up(0.6, 0.25); // the top of its rim
    assert.deepEqual([now().center, now().radius], [[0.6, 0.5], 0.25]);
    close(now().points.at(-1), [1, 0.7, 0.6]);
    runner.down(0.6, 0.5).move(0.5, 0.5).up(0.5, 0.5); // its middle
    assert.deepEqual(now().center, [0.5, 0.5]);
    runner.down(0.625, 0.5).move(0.7, 0.5).up(0.7, 0.5); // the handle on its right
    assert.deepEqual([now().center, now().radius], [[0.5, 0.5], 0.4]);
    assert.equal(runner.commits, 4);
  }
});

test("the handle of a brush sizes it, and a press beside it draws", () => {
  const layer = drag("a", [[0, 0.5, 0.5], [1, 0.7, 0.5]], { brush: { radius: 0.1, spacing: 0.02 } });
  for (const make of [selectTool, dragTool]) {
    const runner = makeToolRunner(make(), withLayers(layer));
    runner.selection = new Set(["a"]);
    runner.down(0.5, 0.4).move(0.5, 0.3).up(0.5, 0.3); // across the path, upwards: 40 px away
    close([runner.document.layers[0].brush.radius], [0.2]);
    assert.deepEqual(runner.document.layers[0].points, layer.points);
    assert.equal(runner.document.layers.length, 1);
  }
});

test("a flick lasts a second and says so; to the end of the clip where that was chosen", () => {
  const flick = (overrides) => {
    const runner = makeToolRunner(dragTool(), undefined, { clipSeconds: 5, time: 0.2, ...overrides });
    runner.down(0.2, 0.5).move(0.5, 0.5).up(0.5, 0.5); // a tenth of a second
    const { start, end } = runner.document.layers[0];
    return { window: [start, end], message: runner.message };
  };
  close(flick({}).window, [0.2, 0.4]);
  assert.match(flick({}).message, /one second/);
  close(flick({ clipSeconds: 0.5 }).window, [0.2, 1]);
  const settings = { brush: { radius: 0.06 }, curve: "linear", pacing: "clip" };
  close(flick({ settings }).window, [0.2, 1]);
  assert.equal(flick({ settings }).message, null);
});

test("a region is drawn, and moving it sets a key at the playhead", () => {
  const runner = makeToolRunner(regionTool());
  runner.down(0.4, 0.4).move(0.6, 0.4).move(0.6, 0.6).move(0.4, 0.6).up(0.4, 0.6);
  assert.equal(runner.document.layers[0].type, "region");
  runner.context.time = 1;
  runner.down(0.5, 0.5).move(0.6, 0.5).up(0.6, 0.5);
  const { keys } = runner.document.layers[0];
  assert.equal(keys.length, 2);
  close([keys[1].t, keys[1].dx, keys[1].dy, keys[1].rotate_deg, keys[1].scale], [1, 0.1, 0, 0, 1]);
});

test("select: click, shift-click, box, and a drag that moves whole layers", () => {
  const before = withLayers(
    drag("a", [[null, 0.1, 0.1], [null, 0.3, 0.1]]),
    drag("b", [[null, 0.7, 0.7], [null, 0.9, 0.7]]),
  );
  const runner = makeToolRunner(selectTool(), before).click(0.2, 0.1);
  assert.deepEqual([...runner.selection], ["a"]);
  runner.click(0.8, 0.7, { shift: true });
  assert.deepEqual([...runner.selection], ["a", "b"]);
  runner.down(0.2, 0.1).move(0.2, 0.2).up(0.2, 0.2);
  assert.equal(runner.commits, 1);
  assert.deepEqual(runner.document.layers[1].points[0], [null, 0.7, 0.8]);
  runner.click(0.5, 0.5);
  assert.equal(runner.selection.size, 0);
  runner.down(0.05, 0.05).move(0.4, 0.4).up(0.4, 0.4);
  assert.deepEqual([...runner.selection], ["a"]);
});

test("locked and hidden layers are not picked", () => {
  const line = [[null, 0.1, 0.1], [null, 0.3, 0.1]];
  for (const more of [{ locked: true }, { enabled: false }]) {
    const runner = makeToolRunner(selectTool(), withLayers(drag("a", line, more))).click(0.2, 0.1);
    assert.equal(runner.selection.size, 0);
  }
});

test("the eraser takes single dots of a pin and whole strokes, as one change", () => {
  const before = withLayers(
    drag("a", [[null, 0.1, 0.1], [null, 0.3, 0.1]]),
    { id: "p", type: "pin", points: [[0.5, 0.5], [0.9, 0.9]], spacing: 0.04 },
  );
  const runner = makeToolRunner(eraserTool(), before);
  runner.down(0.2, 0.1).move(0.5, 0.5).up(0.5, 0.5);
  assert.equal(runner.commits, 1);
  assert.deepEqual(runner.document.layers.map((layer) => layer.id), ["p"]);
  assert.deepEqual(runner.document.layers[0].points, [[0.9, 0.9]]);
});

test("what tools draw can be read back", () => {
  const runner = makeToolRunner(dragTool());
  runner.down(0.2, 0.5).move(0.3, 0.6).move(0.5, 0.5).up(0.5, 0.5);
  assert.deepEqual(readDocument(writeDocument(runner.document)), runner.document);
});
