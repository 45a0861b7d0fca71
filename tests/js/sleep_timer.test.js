// When the music stops by itself, without a browser: `npm test`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { SleepTimer } from "../../static/js/sleep_timer.js";

const MINUTE = 60_000;

test("without a choice it never stops, and is as loud as ever", () => {
  const timer = new SleepTimer();
  assert.equal(timer.isOver(10 ** 15), false);
  assert.equal(timer.stopsAfterSong, false);
  assert.equal(timer.factor(10 ** 15), 1);
});

test("after the chosen minutes it is over, and grows softer in the last quarter of one", () => {
  const timer = new SleepTimer();
  timer.set("30", 1000);
  assert.equal(timer.isOver(1000 + 30 * MINUTE - 1), false);
  assert.equal(timer.isOver(1000 + 30 * MINUTE), true);
  assert.equal(timer.factor(1000 + 29 * MINUTE), 1);
  assert.equal(timer.factor(1000 + 30 * MINUTE - 7500), 0.5);
  assert.equal(timer.factor(1000 + 31 * MINUTE), 0);
});

test("at the end of the song no time counts", () => {
  const timer = new SleepTimer();
  timer.set("15", 0);
  timer.set("song", 0);
  assert.equal(timer.stopsAfterSong, true);
  assert.equal(timer.isOver(10 ** 15), false);
  assert.equal(timer.factor(10 ** 15), 1);
});

test("what is no choice turns it off", () => {
  const timer = new SleepTimer();
  for (const choice of ["off", "", "-5", "soon"]) {
    timer.set("15", 0);
    timer.set(choice, 0);
    assert.equal(timer.choice, "off");
    assert.equal(timer.isOver(10 ** 15), false);
  }
});
