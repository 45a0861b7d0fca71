// The queue without a browser: `npm test`. What the player makes of it is in tests/browser/test_player.py.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { SongQueue } from "../../static/js/song_queue.js";

let lastId = 0;
let queue;

const songs = (names) =>
  [...names].map((name) => {
    lastId += 1;
    return { id: lastId, song: `/songs/${name}/`, title: name, artist: "", cover: "", seconds: 3, why: "" };
  });
const titles = () => queue.songs.map((song) => song.title).join("");
const idOf = (title) => queue.songs.find((song) => song.title === title).id;
const manySongs = (count) => songs(Array.from({ length: count }, (_, number) => String(number)));

beforeEach(() => {
  queue = new SongQueue();
});

test("an empty queue has no current song and wants none", () => {
  assert.equal(queue.current, undefined);
  assert.equal(queue.beside(1), undefined);
  assert.equal(queue.wantsMore, false);
  assert.deepEqual(queue.recent(), []);
});

test("it plays from the chosen song, and has one before and one after", () => {
  queue.replace(songs("abc"), 1);
  assert.equal(queue.current.title, "b");
  assert.equal(queue.beside(1).title, "c");
  assert.equal(queue.beside(-1).title, "a");
  queue.goTo(2);
  assert.equal(queue.beside(1), undefined);
});

test("a song is added next or at the end", () => {
  queue.replace(songs("abc"), 0);
  queue.add(songs("d"));
  queue.add(songs("ef"), true);
  assert.equal(titles(), "aefbcd");
  assert.equal(queue.current.title, "a");
});

test("what somebody chose comes before what the queue goes on with", () => {
  queue.replace(songs("a"), 0);
  queue.goOnFrom(queue.current);
  queue.goOnWith(songs("xy"));
  queue.add(songs("b"));
  queue.add(songs("c"));
  assert.equal(titles(), "abcxy");
});

test("what was found and already plays is no end to add before", () => {
  queue.replace(songs("a"), 0);
  queue.goOnFrom(queue.current);
  queue.goOnWith(songs("xy"));
  queue.goTo(1);
  queue.add(songs("b"));
  assert.equal(titles(), "axby");
  assert.equal(queue.current.title, "x");
});

test("the current song stays the current one, whatever is moved or removed around it", () => {
  queue.replace(songs("abcd"), 2);
  assert.equal(queue.move(idOf("d"), 0), true);
  assert.equal(titles(), "dabc");
  assert.equal(queue.current.title, "c");
  assert.equal(queue.move(idOf("c"), 1), true);
  assert.equal(titles(), "dcab");
  assert.equal(queue.current.title, "c");
  assert.equal(queue.remove(idOf("d")), true);
  assert.equal(queue.remove(idOf("b")), true);
  assert.equal(titles(), "ca");
  assert.equal(queue.current.title, "c");
});

test("a move to where there is no place, or of no song, does nothing", () => {
  queue.replace(songs("abc"), 0);
  for (const [id, to] of [
    [idOf("a"), -1],
    [idOf("a"), 3],
    [idOf("a"), 0],
    [-1, 1],
  ])
    assert.equal(queue.move(id, to), false);
  assert.equal(titles(), "abc");
});

test("the song after the current one comes in its place, or the one before where it was the last", () => {
  queue.replace(songs("abc"), 1);
  queue.remove(idOf("b"));
  assert.equal(queue.current.title, "c");
  queue.remove(idOf("c"));
  assert.equal(queue.current.title, "a");
});

test("the only song stays, and so does everything when a song is not there", () => {
  queue.replace(songs("a"), 0);
  assert.equal(queue.remove(idOf("a")), false);
  assert.equal(queue.remove(-1), false);
  assert.equal(titles(), "a");
});

test("a song that is there twice is removed once", () => {
  queue.replace(songs("aba"), 0);
  queue.remove(queue.songs[2].id);
  assert.equal(titles(), "ab");
});

test("clearing keeps the current song and goes on with nothing", () => {
  queue.replace(songs("abc"), 1);
  queue.goOnFrom(queue.current);
  queue.clear();
  assert.equal(titles(), "b");
  assert.equal(queue.place, 0);
  assert.equal(queue.goingOn, null);
  const nothing = new SongQueue();
  nothing.clear();
  assert.equal(nothing.place, -1);
});

test("going on from a song replaces what was to come, and wants more when four songs are left", () => {
  queue.replace(songs("abc"), 0);
  queue.goOnFrom(queue.current);
  assert.equal(titles(), "a");
  assert.deepEqual(queue.goingOn, { song: "/songs/a/", title: "a" });
  assert.equal(queue.wantsMore, true);
  queue.goOnWith(songs("uvwxy"));
  assert.equal(queue.wantsMore, false);
  queue.goTo(1);
  assert.equal(queue.wantsMore, true);
});

test("the queue ends where nothing is found any more", () => {
  queue.replace(songs("a"), 0);
  queue.goOnFrom(queue.current);
  queue.goOnWith([]);
  assert.equal(queue.goingOn, null);
  assert.equal(queue.wantsMore, false);
});

test("for a changed taste only what was found and not yet played is dropped", () => {
  queue.replace(songs("a"), 0);
  queue.goOnFrom(queue.current);
  queue.goOnWith(songs("xyz"));
  queue.add(songs("b"));
  queue.goTo(queue.indexOf(idOf("x")));
  queue.dropFound();
  assert.equal(titles(), "abx");
  assert.equal(queue.current.title, "x");
  assert.notEqual(queue.goingOn, null);
});

test("fifty played songs stay in the queue, and those before are remembered", () => {
  queue.replace(manySongs(80), 0);
  queue.goTo(60);
  assert.equal(queue.current.title, "60");
  assert.equal(queue.place, 50);
  assert.equal(queue.songs.length, 70);
  assert.deepEqual(queue.earlier.slice(0, 2), ["/songs/9/", "/songs/8/"]);
});

test("what was played before other songs were chosen does not come again soon, nor do the songs of the queue", () => {
  queue.replace(songs("abc"), 1);
  queue.replace(songs("xa"), 0);
  assert.deepEqual(queue.recent(), ["/songs/a/", "/songs/x/", "/songs/b/"]);
});

test("no more than 250 songs are remembered", () => {
  queue.replace(manySongs(400), 399);
  assert.equal(queue.recent().length, 250);
  assert.equal(queue.recent()[0], "/songs/399/");
});

test("it is the same after a reload", () => {
  queue.replace(songs("abc"), 1);
  queue.goOnFrom(queue.current);
  queue.goOnWith(songs("x"));
  const restored = new SongQueue();
  restored.restore(JSON.parse(JSON.stringify(queue.state())));
  assert.deepEqual(restored.state(), queue.state());
  assert.equal(restored.current.title, "b");
});

test("songs like one can be bent to the listener's taste, and are found again", () => {
  queue.replace(songs("a"), 0);
  queue.goOnFrom(queue.current);
  queue.goOnWith(songs("xy"));
  queue.bend(true);
  assert.deepEqual(queue.goingOn, { song: "/songs/a/", title: "a", bent: true });
  assert.equal(titles(), "a");
  queue.bend(false);
  assert.deepEqual(queue.goingOn, { song: "/songs/a/", title: "a" });
});

test("songs like one end once nobody wants them any more, and what was chosen stays", () => {
  queue.replace(songs("a"), 0);
  queue.goOnFrom(queue.current);
  queue.goOnWith(songs("xy"));
  queue.add(songs("b"));
  queue.goOnNoMore();
  assert.equal(queue.goingOn, null);
  assert.equal(titles(), "ab");
});

// --- Shuffled and repeated ----------------------------------------------------------------------

// Fisher and Yates turn an order round by one place where chance is always 0.
const turning = () => new SongQueue(() => 0);

test("shuffling mixes what is to come, and nothing else", () => {
  queue = turning();
  queue.replace(songs("abcde"), 1);
  queue.goOnFrom({ song: "/songs/b/", title: "b" });
  queue.add(songs("cde"));
  queue.goOnWith(songs("xy"));
  queue.shuffle(true);
  assert.equal(titles(), "abdecxy");
  assert.equal(queue.current.title, "b");
});

test("without shuffling the songs to come are in the order that they had, going round", () => {
  queue = turning();
  queue.shuffle(true);
  queue.replace(songs("abcde"), 2);
  assert.equal(titles(), "cbdea");
  queue.goTo(1);
  queue.shuffle(false);
  assert.equal(titles(), "cbdea");
  queue.shuffle(true);
  assert.equal(titles(), "cbead");
  queue.shuffle(false);
  assert.equal(titles(), "cbdea");
  assert.deepEqual([...new Set(queue.songs.map((song) => song.order))], [undefined]);
});

test("songs that are chosen while it is shuffled come after the chosen one in a random order, none left out", () => {
  queue.shuffle(true);
  queue.replace(manySongs(200), 120);
  assert.equal(queue.current.title, "120");
  assert.equal(queue.place, 0);
  assert.equal(new Set(queue.songs.map((song) => song.title)).size, 200);
  queue.add(songs("n"), true);
  queue.shuffle(false);
  assert.deepEqual(
    queue.songs.slice(0, 4).map((song) => song.title),
    ["120", "n", "121", "122"],
  );
  assert.equal(queue.songs.at(-1).title, "119");
});

test("repeating all goes from the last to the first and back, and forgets nothing", () => {
  queue.setRepeat("all");
  queue.replace(manySongs(80), 79);
  assert.equal(queue.songs.length, 80);
  assert.equal(queue.beside(1).title, "0");
  assert.equal(queue.following.title, "0");
  queue.goTo(queue.placeBeside(1));
  assert.equal(queue.beside(-1).title, "79");
  queue.goTo(70);
  queue.setRepeat("none");
  assert.equal(queue.songs.length, 60);
  assert.equal(queue.current.title, "70");
});

test("repeating one plays it again by itself, and still has a song beside it", () => {
  queue.replace(songs("ab"), 0);
  queue.setRepeat("one");
  assert.equal(queue.following.title, "a");
  assert.equal(queue.beside(1).title, "b");
  queue.setRepeat("none");
  queue.goTo(1);
  assert.equal(queue.following, undefined);
});

test("what is repeated does not go on for ever, and what goes on for ever is not repeated", () => {
  queue.replace(songs("a"), 0);
  queue.goOnFrom(queue.current);
  queue.setRepeat("all");
  assert.equal(queue.goingOn, null);
  queue.goOnFrom(queue.current);
  assert.equal(queue.repeat, "none");
  assert.equal(queue.wantsMore, true);
});

test("a queue that an earlier version kept is neither shuffled nor repeated", () => {
  queue.restore({ queue: songs("ab"), place: 0, goingOn: null, earlier: [] });
  assert.equal(queue.shuffled, false);
  assert.equal(queue.repeat, "none");
});
