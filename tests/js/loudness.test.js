// How loud songs are played, without a browser: `npm test`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { factorOf, playsAlbum } from "../../static/js/loudness.js";

const near = (found, wanted) => assert.ok(Math.abs(found - wanted) < 1e-3, `${found} is not about ${wanted}`);

test("a song of which nothing is known is played as it is", () => {
  assert.equal(factorOf(undefined, false), 1);
  assert.equal(factorOf({ album: "a" }, true), 1);
});

test("a loud song is played softer, by decibels", () => {
  near(factorOf({ album: "", trackGain: -6.02, trackPeak: 1 }, false), 0.5);
  near(factorOf({ album: "", trackGain: -20, trackPeak: 0.3 }, false), 0.1);
});

test("a soft song is played louder, but no louder than its loudest moment allows", () => {
  near(factorOf({ album: "", trackGain: 6.02, trackPeak: 0.25 }, false), 2);
  near(factorOf({ album: "", trackGain: 6.02, trackPeak: 0.8 }, false), 1.25);
  assert.equal(factorOf({ album: "", trackGain: 6.02 }, false), 1);
});

test("on an album that plays through its own gain counts", () => {
  const loudness = { album: "a", trackGain: -3, trackPeak: 1, albumGain: -6.02, albumPeak: 1 };
  near(factorOf(loudness, true), 0.5);
  near(factorOf(loudness, false), 0.708);
  near(factorOf({ album: "a", albumGain: -6.02 }, false), 0.5);
  near(factorOf({ album: "a", trackGain: -6.02 }, true), 0.5);
});

test("an album plays through where a song beside it is on the same one", () => {
  assert.equal(playsAlbum({ album: "a" }, [undefined, { album: "a" }]), true);
  assert.equal(playsAlbum({ album: "a" }, [{ album: "b" }, undefined]), false);
  assert.equal(playsAlbum({ album: "" }, [{ album: "" }]), false);
  assert.equal(playsAlbum(undefined, [{ album: "a" }]), false);
});
