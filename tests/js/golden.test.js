/** Python defines how a drawing moves; these are its numbers, and JavaScript must give the same. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { lineAt, makeLine } from "../../web/model/curves.js";
import { brushDots, pullWeights } from "../../web/layers/drag.js";
import { readDocument } from "../../web/layers/read_document.js";
import { regionPivot, sampleRegion } from "../../web/layers/region.js";
import { polygonDots } from "../../web/model/area_dots.js";
import { directionUnder, sphereDirections, turnBetween } from "../../web/model/ball.js";
import { easeValue } from "../../web/model/easing.js";
import { clipTimes, samplePath } from "../../web/model/sample.js";
import { inTuples } from "./flat.js";

const PIXELS = 1e-4;
const golden = (name) =>
  JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), "utf8")).cases;

function same(got, wanted, slack, where) {
  if (!Array.isArray(wanted)) {
    assert.ok(Math.abs(got - wanted) <= slack, `${where}: ${got} instead of ${wanted}`);
    return;
  }
  assert.equal(got.length, wanted.length, where);
  wanted.forEach((value, i) => same(got[i], value, slack, `${where}[${i}]`));
}

test("easing", () => {
  for (const { name, easing, u, expected } of golden("easing")) {
    same(u.map((share) => easeValue(easing, share)), expected, 1e-9, name);
  }
});

test("curves", () => {
  for (const one of golden("curves")) {
    const line = makeLine(one.points, one.curve, one.handles);
    same(line.pointLengths, one.point_lengths, PIXELS, `${one.name}: lengths`);
    same(line.length, one.length, PIXELS, `${one.name}: length`);
    same(one.distances.map((d) => lineAt(line, d)), one.expected, PIXELS, one.name);
  }
});

test("paths", () => {
  for (const { name, path, frames, size, drawn_on, xy, present } of golden("paths")) {
    const got = samplePath(path, clipTimes(frames), size, drawn_on);
    same(got.xy, xy, PIXELS, name);
    assert.deepEqual(got.present, present, name);
  }
});

test("regions", () => {
  for (const one of golden("regions")) {
    const got = sampleRegion(one.region, clipTimes(one.frames), one.size);
    same(got.shift, one.shift, PIXELS, `${one.name}: shift`);
    same(got.rotateDeg, one.rotate_deg, 1e-6, `${one.name}: turn`);
    same(got.scale, one.scale, 1e-9, `${one.name}: zoom`);
    assert.deepEqual(got.present, one.present, one.name);
  }
});

test("whole documents", () => {
  for (const { name, document, size, frames, layers } of golden("documents")) {
    const read = readDocument(JSON.stringify(document));
    const times = clipTimes(frames);
    read.layers.forEach((layer, i) => {
      if (!layers[i]) return;
      if (layer.type === "region") {
        same(sampleRegion(layer, times, size).shift, layers[i].shift, PIXELS, `${name} ${i}`);
      } else {
        const got = samplePath(layer, times, size, read.drawn_on);
        same(got.xy, layers[i].xy, PIXELS, `${name} ${i}`);
        assert.deepEqual(got.present, layers[i].present, name);
      }
    });
  }
});

test("brushes hold the very dots that are tracked", () => {
  const size = { width: 832, height: 480 };
  for (const { brush, offsets, weights } of golden("brush_dots")) {
    const where = JSON.stringify(brush);
    const dots = brushDots([0.5, 0.5], brush, size);
    const inShortSides = inTuples(dots).map(([x, y]) => [
      ((x - 0.5) * size.width) / size.height,
      ((y - 0.5) * size.height) / size.height,
    ]);
    same(inShortSides, offsets, 1e-7, where);
    same([...pullWeights(dots, [0.5, 0.5], brush, size)], weights, 1e-6, where);
  }
});

test("areas hold the very dots that are tracked", () => {
  const square = [[0, 0], [1, 0], [1, 1], [0, 1]];
  for (const { name, polygon, spacing, size, dots, middle } of golden("area_dots")) {
    const got = polygonDots(polygon ?? square, spacing, size);
    const pixels = inTuples(got).map(([x, y]) => [x * size.width, y * size.height]);
    same(pixels, dots, 2e-3, name);
    if (!middle) continue;
    const [x, y] = regionPivot({ polygon }, size);
    same([x * size.width, y * size.height], middle, 1e-3, `${name}: middle`);
  }
});

test("spheres turn alike", () => {
  for (const { radius, spacing, start, end, directions, turned } of golden("sphere_dots")) {
    const got = inTuples(sphereDirections(radius, spacing), 3);
    same(got, directions, 1e-9, "directions");
    const turn = turnBetween(directionUnder(start), directionUnder(end));
    const apply = ([x, y, z]) => [0, 3, 6].map((row) => turn[row] * x + turn[row + 1] * y + turn[row + 2] * z);
    same(got.map(apply), turned, 1e-9, `${start} to ${end}`);
  }
});
