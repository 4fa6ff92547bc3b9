/** The live preview's field: corners follow the dots, far ones stay. */

import assert from "node:assert/strict";
import test from "node:test";

import { emptyDocument } from "../../web/model/document.js";
import { makeField } from "../../web/view/warp/field.js";

const SIZE = { width: 800, height: 400 };

function drawn(...layers) {
  return { ...emptyDocument(SIZE), layers: layers.map((layer, i) => ({ id: `l${i}`, ...layer })) };
}

const DRAG = {
  type: "drag",
  points: [[0, 0.3, 0.5], [1, 0.5, 0.5]],
  curve: "linear",
  brush: { radius: 0.1, spacing: 0.02 },
};

/** Where the corner nearest to a place of the picture is at a time. */
function cornerAt(field, time, [x, y]) {
  const corner = Math.round(y * field.rows) * (field.columns + 1) + Math.round(x * field.columns);
  const moved = field.at(time);
  return { from: [...field.rest.slice(corner * 2, corner * 2 + 2)], to: [...moved.slice(corner * 3, corner * 3 + 2)] };
}

test("the rest keeps off what moves: beside a turning ball the picture stays in one piece", () => {
  const size = { width: 450, height: 300 };
  const spin = [[0, 0.58, 0.52], [1, 0.46, 0.46]];
  const ball = { id: "b", type: "sphere", center: [0.47, 0.42], radius: 0.72, points: spin, spacing: 0.1 };
  const rest = { id: "r", type: "pin", area: "background", spacing: 0.1 };
  const document = { version: 1, drawn_on: size, layers: [ball, rest] };
  const field = makeField(document, size);
  const moved = field.at(1);
  let steepest = 0;
  for (let row = 0; row <= field.rows; row += 1) {
    for (let column = 0; column < field.columns; column += 1) {
      const at = row * (field.columns + 1) + column;
      const shift = (corner) => moved[corner * 3] - field.rest[corner * 2];
      steepest = Math.max(steepest, Math.abs(shift(at + 1) - shift(at)) * field.columns);
    }
  }
  // 1.4 at the rim of the ball, where it passes over what rests; 5.6 with dots of the rest on it.
  assert.ok(steepest < 2, `neighbouring corners part by ${steepest} of their distance`);
});

test("a drag carries the corners under its brush and leaves far ones", () => {
  const field = makeField(drawn(DRAG), SIZE);
  const under = cornerAt(field, 1, [0.3, 0.5]);
  assert.ok(Math.abs(under.to[0] - under.from[0] - 0.2) < 0.01);
  assert.ok(Math.abs(under.to[1] - under.from[1]) < 1e-6);
  const far = cornerAt(field, 1, [0.9, 0.1]);
  assert.ok(Math.hypot(far.to[0] - far.from[0], far.to[1] - far.from[1]) < 1e-4);
});

test("nothing moves at time zero, and an empty drawing is still", () => {
  const field = makeField(drawn(DRAG), SIZE);
  const { from, to } = cornerAt(field, 0, [0.3, 0.5]);
  assert.deepEqual(to, from);
  assert.equal(makeField(drawn(), SIZE).isStill, true);
});

test("a pin holds what a drag beside it would pull", () => {
  const pin = { type: "pin", points: [[0.42, 0.5]], spacing: 0.04 };
  const place = [0.42, 0.5];
  const free = cornerAt(makeField(drawn(DRAG), SIZE), 1, place);
  const held = cornerAt(makeField(drawn(DRAG, pin), SIZE), 1, place);
  const gone = ({ from, to }) => Math.hypot(to[0] - from[0], to[1] - from[1]);
  assert.ok(gone(held) < 0.5 * gone(free));
});

test("a camera grab moves everything alike, a layer left out nothing", () => {
  const camera = { type: "camera_grab", points: [[0, 0.5, 0.5], [1, 0.6, 0.4]], curve: "linear" };
  const field = makeField(drawn(camera), SIZE);
  for (const place of [[0, 0], [1, 1], [0.5, 0.5]]) {
    const { from, to } = cornerAt(field, 1, place);
    assert.ok(Math.abs(to[0] - from[0] - 0.1) < 1e-6 && Math.abs(to[1] - from[1] + 0.1) < 1e-6);
  }
  assert.equal(makeField(drawn({ ...DRAG, enabled: false }), SIZE).isStill, true);
});

test("a drag that is absent pulls nothing", () => {
  const late = { ...DRAG, start: 0, end: 0.5, after: "absent" };
  const { from, to } = cornerAt(makeField(drawn(late), SIZE), 0.9, [0.3, 0.5]);
  assert.deepEqual(to, from);
});
