import assert from "node:assert/strict";
import test from "node:test";
import { phrase, setWords, word } from "../../web/model/words.js";

test("texts are translated, and what a table lacks stays English", () => {
  setWords({ Pin: "Épingle", "Needs {n} GB of models": "{n} Go de modèles requis" });
  assert.equal(word("Pin"), "Épingle");
  assert.equal(word("Region"), "Region");
  assert.equal(word("constructor"), "constructor");
  assert.equal(phrase("Needs {n} GB of models", { n: 25 }), "25 Go de modèles requis");
  assert.equal(phrase("{n} of {m}", { n: 1 }), "1 of {m}");
  setWords(undefined);
  assert.equal(word("Pin"), "Pin");
});
