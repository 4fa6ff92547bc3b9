import assert from "node:assert/strict";
import test from "node:test";
import { rankedScores } from "../../web/model/search_rank.js";

/** As the host sorts: the first difference decides. */
function before(a, b) {
  const at = a.findIndex((score, i) => score !== b[i]);
  return at >= 0 && a[at] < b[at];
}

test("an alias that begins with what was typed counts as a name that does", () => {
  // "ati": found by an alias alone, against a name with the letters in it ("Generation").
  const ours = rankedScores([9, 0, 0, 0.145], true);
  assert.ok(before(ours, [3, 0, 20, 30, 0.3]));
  // "animate": against a word in the name of a node that is often used.
  assert.ok(before(ours, [2, -500, 11.5, 17, 0.1]));
});

test("a likeness in names is no alias", () => {
  assert.deepEqual(rankedScores([9, 0, 0, 0.45], true), [9, 0, 0, 0, 0.45]);
});

test("Draw Motion comes before other nodes of the pack that match as well", () => {
  const first = rankedScores([1, 0, 25, 0.1], true);
  assert.ok(before(first, rankedScores([1, 0, 11, 0.1], false)));
  // A better match of another one stays before it.
  assert.ok(before(rankedScores([0, 0, 0, 0], false), first));
});
