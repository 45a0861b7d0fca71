// How one song gives way to the next, without a browser: `npm test`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { fadeFactors, fadeSeconds, isNearEnd } from "../../static/js/crossfade.js";

test("songs overlap as long as was chosen, but never for more than a third of either", () => {
  assert.equal(fadeSeconds(0, 200, 200), 0);
  assert.equal(fadeSeconds(12, 200, 200), 12);
  assert.equal(fadeSeconds(12, 30, 200), 10);
  assert.equal(fadeSeconds(12, 200, 9), 3);
  assert.equal(fadeSeconds(12, 200, 0), 12);
  assert.equal(fadeSeconds(12, 0, 200), 0);
});

test("both together are as loud as one song alone, from the first moment to the last", () => {
  for (let step = 0; step <= 10; step += 1) {
    const { leaving, coming } = fadeFactors(step / 10);
    assert.ok(Math.abs(leaving ** 2 + coming ** 2 - 1) < 1e-12);
  }
  assert.deepEqual(fadeFactors(0), { leaving: 1, coming: 0 });
  assert.equal(fadeFactors(1).coming, 1);
  assert.ok(fadeFactors(2).leaving < 1e-12);
});

test("the next song is fetched some time before a crossfade begins, and before the end without one", () => {
  assert.equal(isNearEnd(60, 12), false);
  assert.equal(isNearEnd(30, 12), true);
  assert.equal(isNearEnd(30, 0), false);
  assert.equal(isNearEnd(5, 0), true);
});
