// Where the names on the map are written, without a browser: `npm test`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { clearOf } from "../../static/js/map_drawing.js";

const WIDTH = 400;
const button = { x: 80, y: 30, half: 70, tall: 22 };
const zoom = { x: 370, y: 80, half: 22, tall: 70 };
const name = (x, y) => ({ x, y, half: 40, tall: 8 });
const apart = (box, other) =>
  Math.abs(box.x - other.x) > box.half + other.half - 0.01 || Math.abs(box.y - other.y) > box.tall + other.tall - 0.01;

test("a name that nothing covers stays where it is", () => {
  assert.deepEqual(clearOf(name(200, 200), [button, zoom], WIDTH), name(200, 200));
});

test("a name under a button goes below it or beside it, as is nearer, and stays in the picture", () => {
  assert.deepEqual(clearOf(name(80, 40), [button, zoom], WIDTH), name(80, 60));
  assert.deepEqual(clearOf(name(170, 20), [button, zoom], WIDTH), name(190, 20));
  assert.deepEqual(clearOf(name(355, 60), [button, zoom], WIDTH), name(308, 60));
});

test("a name that fits between two buttons nowhere goes below both", () => {
  const wide = { x: 300, y: 40, half: 90, tall: 8 };
  assert.deepEqual(clearOf(wide, [{ ...button, half: 100 }, zoom], WIDTH), { ...wide, y: 158 });
});

test("a name that is moved stays moved where sums are rounded", () => {
  const long = { x: 164.14990234375, y: 56.91956676585027, half: 164.14990234375, tall: 13.2 };
  const covering = [
    { x: 92.8046875, y: 30, half: 84.8046875, tall: 22 },
    { x: 325, y: 75, half: 23, tall: 67 },
  ];
  assert.equal(clearOf(long, covering, 348).y, 75 + 67 + 13.2);
});

test("no name lies under what covers the picture, wherever it would be written", () => {
  for (let x = 40; x <= WIDTH - 40; x += 4) {
    for (let y = 8; y <= 300; y += 4) {
      const box = clearOf(name(x, y), [button, zoom], WIDTH);
      assert.ok(apart(box, button) && apart(box, zoom), `${x} ${y}`);
      assert.ok(box.x >= 40 && box.x <= WIDTH - 40);
    }
  }
});

test("a name that is wider than the picture goes below", () => {
  assert.equal(clearOf({ x: 200, y: 30, half: 250, tall: 8 }, [button], WIDTH).y, 60);
});
