import assert from "node:assert/strict";
import test from "node:test";
import { tracksOf } from "../../web/layers/index.js";
import { NO_THINGS, dotsOffThing, readThings, thingOf } from "../../web/model/things.js";

const SIZE = { width: 80, height: 40 };
const DRAG = { id: "d", type: "drag", points: [[0, 0.25, 0.5], [1, 0.5, 0.5]], brush: { radius: 0.05, spacing: 0.05 } };
const REST = { id: "r", type: "pin", area: "background", spacing: 0.1 };

/** A report of 8 x 4 cells: the left half of the picture, as Python's packbits writes it. */
function report(at = [0.25, 0.5]) {
  const cells = Buffer.from([0xf0, 0xf0, 0xf0, 0xf0]).toString("base64");
  return [{ layer: "d", at, columns: 8, rows: 4, cells }];
}

const xs = (dots) => [...dots].filter((_, i) => i % 2 === 0);

test("dots of the rest lie off the thing that a run has cut out", () => {
  const before = tracksOf([DRAG, REST], SIZE, SIZE)[1].dots;
  const after = tracksOf([DRAG, REST], SIZE, SIZE, readThings(report()))[1].dots;
  assert.ok(xs(before).some((x) => x < 0.4));
  // Half a spacing beside the thing: 0.05 of 40 pixels on 80.
  assert.ok(xs(after).every((x) => x >= 0.5 + 0.025 - 1e-9));
  assert.equal(xs(before).filter((x) => x > 0.52).length, after.length / 2);
});

test("a drag that begins elsewhere has no thing", () => {
  const moved = { ...DRAG, points: [[0, 0.3, 0.5], [1, 0.5, 0.5]] };
  assert.equal(thingOf(readThings(report()), moved), undefined);
  assert.notEqual(thingOf(readThings(report()), { ...DRAG, points: [DRAG.points[0], [1, 0.9, 0.1]] }), undefined);
});

test("what is cut off by the frame goes on past it", () => {
  const [thing] = readThings(report()).values();
  const kept = dotsOffThing(Float64Array.of(-0.2, 0.5, 1.2, 0.5), thing, 0, SIZE);
  assert.deepEqual([...kept], [1.2, 0.5]);
});

test("reports without or with too few cells give nothing", () => {
  assert.equal(readThings(undefined), NO_THINGS);
  assert.equal(readThings([{ ...report()[0], rows: 40 }]).size, 0);
});
