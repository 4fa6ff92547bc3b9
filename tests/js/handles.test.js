/** Handles of path points: what edits give, and what tools do with them. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { pathTool } from "../../web/layers/path_tool.js";
import { readDocument } from "../../web/layers/read_document.js";
import { lineAt, makeLine } from "../../web/model/curves.js";
import { addLayer, emptyDocument, layerOf, writeDocument } from "../../web/model/document.js";
import {
  handleKind,
  handlesOf,
  movedHandle,
  shownHandles,
  toggledKind,
  withPointInserted,
} from "../../web/model/handles.js";
import { pathSegmentAt } from "../../web/model/hit.js";
import { samplePath } from "../../web/model/sample.js";
import { fitView, toView } from "../../web/model/viewport.js";
import { selectTool } from "../../web/tools/select.js";
import { makeToolRunner } from "./tool_runner.js";

const SIZE = { width: 800, height: 400 };
const SMOOTH = {
  id: "a",
  type: "drag",
  points: [[null, 0.1, 0.5], [null, 0.5, 0.1], [null, 0.9, 0.5]],
  curve: "catmull_rom",
};
const close = (got, wanted, slack = 1e-4) =>
  wanted.forEach((value, i) => assert.ok(Math.abs(got[i] - value) <= slack, `${got} ~ ${wanted}`));
const lineOf = ({ points, handles }) =>
  makeLine(
    points.map(([, x, y]) => [x * SIZE.width, y * SIZE.height]),
    "bezier",
    handles.map((one) => one && one.map((value, i) => value * (i % 2 ? SIZE.height : SIZE.width))),
  );

test("a handle that is moved turns the other one, as the canvas shows the angle", () => {
  const at = { index: 1, side: "out" };
  const fields = movedHandle(SMOOTH, at, [0.6, 0.3], { drawnOn: SIZE });
  assert.equal(fields.curve, "bezier");
  assert.deepEqual([fields.handles[0], fields.handles[2]], [null, null]);
  const [inX, inY, outX, outY] = fields.handles[1];
  close([outX, outY], [0.1, 0.2]);
  close([inX * SIZE.width * 80 - inY * SIZE.height * 80], [0], 1e-1); // out is 80 by 80 pixels
  const old = handlesOf(SMOOTH, 1, SIZE);
  const length = (x, y) => Math.hypot(x * SIZE.width, y * SIZE.height);
  close([length(inX, inY)], [length(old[0], old[1])], 0.01);
  assert.equal(handleKind({ ...SMOOTH, ...fields }, 1, SIZE), "smooth");
  const broken = movedHandle(SMOOTH, at, [0.6, 0.3], { drawnOn: SIZE, isBroken: true });
  close(broken.handles[1].slice(0, 2), old.slice(0, 2));
  assert.equal(handleKind({ ...SMOOTH, ...broken }, 1, SIZE), "corner");
});

test("smooth becomes a corner and smooth again", () => {
  const corner = { ...SMOOTH, ...toggledKind(SMOOTH, 1, SIZE) };
  assert.deepEqual(corner.handles, [null, [0, 0, 0, 0], null]);
  assert.deepEqual(toggledKind(corner, 1, SIZE).handles, [null, null, null]);
});

test("a point inserted into a Bezier curve leaves its shape", () => {
  const bent = { ...SMOOTH, ...movedHandle(SMOOTH, { index: 0, side: "out" }, [0.2, 0], { drawnOn: SIZE }) };
  const more = { ...bent, ...withPointInserted(bent, 1, null, { v: 0.3, drawnOn: SIZE }) };
  assert.equal(more.points.length, 4);
  const [before, after] = [lineOf(bent), lineOf(more)];
  close([after.length], [before.length], 0.2);
  for (let i = 0; i <= 10; i += 1) {
    close(lineAt(after, (i / 10) * after.length), lineAt(before, (i / 10) * before.length), 0.5);
  }
});

test("only set handles and those of the chosen point show, none beyond the ends", () => {
  assert.equal(shownHandles(SMOOTH, -1, SIZE).length, 0);
  assert.deepEqual(shownHandles(SMOOTH, 0, SIZE).map(({ side }) => side), ["out"]);
  assert.deepEqual(shownHandles(SMOOTH, 1, SIZE).map(({ side, isOwn }) => [side, isOwn]), [["in", false], ["out", false]]);
  const bent = { ...SMOOTH, ...movedHandle(SMOOTH, { index: 1, side: "out" }, [0.6, 0.3], { drawnOn: SIZE }) };
  assert.equal(shownHandles(bent, -1, SIZE).length, 2);
});

test("the line is found where it runs, not on the chord", () => {
  const view = fitView(SIZE, SIZE, 0);
  const [at] = samplePath({ ...SMOOTH, start: 0, end: 1 }, [0.25], { width: 1, height: 1 }, SIZE).xy;
  assert.equal(pathSegmentAt(SMOOTH, toView(view, at), view, SIZE, 3).index, 0);
  assert.equal(pathSegmentAt(SMOOTH, toView(view, [0.3, 0.3]), view, SIZE, 3), null, "the chord's middle");
  const repeated = { ...SMOOTH, points: [SMOOTH.points[0], ...SMOOTH.points] };
  assert.equal(pathSegmentAt(repeated, toView(view, at), view, SIZE, 3).index, 1);
});

for (const [name, tool] of [["select", selectTool], ["path", () => pathTool("drag")]]) {
  test(`${name}: a drag on a handle is one change; Alt parts the two`, () => {
    const before = addLayer(SMOOTH)(emptyDocument(SIZE));
    const runner = makeToolRunner(tool(), before, { point: { id: "a", index: 1 } });
    runner.selection = new Set(["a"]);
    const { to } = shownHandles(SMOOTH, 1, SIZE)[1];
    runner.down(...to).move(to[0], to[1] + 0.1).move(to[0], to[1] + 0.2).up(to[0], to[1] + 0.2);
    assert.equal(runner.commits, 1);
    const layer = layerOf(runner.document, "a");
    assert.equal(handleKind(layer, 1, SIZE), "smooth");
    close(layer.handles[1].slice(2), [to[0] - 0.5, to[1] + 0.1]);
    const now = shownHandles(layer, 1, SIZE)[1].to;
    runner.down(...now).move(now[0], 0.9, { alt: true }).up(now[0], 0.9, { alt: true });
    assert.equal(handleKind(layerOf(runner.document, "a"), 1, SIZE), "corner");
    assert.deepEqual(readDocument(writeDocument(runner.document)).version, 2);
  });
}

test("a point pressed and dragged while it is placed gets handles; a click does not", () => {
  const runner = makeToolRunner(pathTool("drag")).click(0.1, 0.5);
  runner.down(0.5, 0.5).move(0.5, 0.7).up(0.5, 0.7);
  assert.equal(runner.commits, 2);
  const [layer] = runner.document.layers;
  assert.deepEqual(layer.handles, [null, [0, -0.2, 0, 0.2]]);
  runner.click(0.9, 0.5);
  assert.deepEqual(runner.document.layers[0].handles, [null, [0, -0.2, 0, 0.2], null]);
  runner.key("Enter");
  runner.down(0.5, 0.5, { alt: true }).up(0.5, 0.5, { alt: true });
  assert.deepEqual(runner.document.layers[0].handles, [null, null], "the point took its handles along");
});
