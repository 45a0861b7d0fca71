// The player at the foot of every page, which stays while pages come and go: it plays any element with data-song. A song counts as played once, after half of it or four minutes; left before that, as skipped.
// Other modules tell it what to do by the event "player:do" on `document` and hear of it by "player:changed".
// What comes when is the matter of song_queue.js.

import { artistsFrom } from "./artists.js";
import { fadeSeconds, isNearEnd } from "./crossfade.js";
import { Decks, onAudio, sounding } from "./decks.js";
import {
  REPEATS,
  onSeek,
  showLength,
  showOrder,
  showSong,
  showState,
  showTime,
  showTrouble,
} from "./player_display.js";
import { listenToKeys } from "./player_keys.js";
import { PlayerVolume } from "./player_volume.js";
import { Plays } from "./plays.js";
import { SleepTimer } from "./sleep_timer.js";
import { addressOf, numberOf } from "./song_addresses.js";
import { SongQueue } from "./song_queue.js";
import { answerSystem, tellSystemPosition, tellSystemSong } from "./system_controls.js";

const KEPT = "dcmrs.player";
const ENOUGH_SECONDS = 240;
const SEEK_SECONDS = 5;
const PREVIOUS_RESTARTS_AFTER = 3;
const SKIP_BROKEN_AFTER_MS = 1500;
const MOST_BROKEN = 3;
// The next song begins so long before the end of this one: a browser needs as long to begin.
const BEGINS_BEFORE_MS = 30;
const LAST_MOMENT_S = 0.1;
const bar = document.getElementById("player");
const part = (name) => bar.querySelector(`.player-${name}`);
const who = document.body.dataset.who;

const sleepChoice = bar.querySelector(".player-sleep");
const speed = bar.querySelector(".player-speed");
const crossfade = bar.querySelector(".player-crossfade");

const queue = new SongQueue();
const sleep = new SleepTimer();
const decks = new Decks();
const volume = new PlayerVolume(queue, decks, sleep);
const plays = new Plays();
// Since when and how long the current song was heard, in seconds, and whether that was told to the server.
let listening = { startedAt: 0, heard: 0, told: false };
let lastTime = 0;
let fetching = false;
let broken = 0;
let lastId = 0;
let handOver = 0;

const current = () => queue.current;

function songOf(element) {
  const { song, title, artist, artists, cover, seconds, why } = element.dataset;
  lastId += 1;
  const about = { song, title, artist, artists: artistsFrom(artists), cover };
  return { id: lastId, ...about, seconds: Number(seconds) || 0, why: why || "" };
}

// A stream that is converted on the way has no known length: the library's own is used then.
function duration() {
  return Number.isFinite(sounding().duration) && sounding().duration > 0
    ? sounding().duration
    : current()?.seconds || 0;
}

// --- Telling the server ---------------------------------------------------------------------

function tell(song, skipped) {
  listening.told = true;
  plays.tell(song.song, listening.startedAt, skipped);
}

function tellIfEnough() {
  const whole = duration();
  if (!listening.told && whole && listening.heard >= Math.min(whole / 2, ENOUGH_SECONDS)) tell(current(), false);
}

// --- Playing --------------------------------------------------------------------------------

function load(place, putIn = (address) => decks.load(address)) {
  queue.goTo(place);
  listening = { startedAt: Date.now(), heard: 0, told: false };
  lastTime = 0;
  putIn(addressOf("audio", current().song));
  showCurrent();
  changed();
}

function leave(song = current()) {
  if (song && !listening.told && listening.heard > 0) tell(song, true);
}

function start() {
  showTrouble("");
  decks.play().catch((reason) => {
    // Not allowed before the listener has touched the page: the button is there for that.
    if (reason.name !== "NotAllowedError" && reason.name !== "AbortError") fail();
  });
}

function fail() {
  showTrouble(
    `“${current().title}” cannot be played: its file is missing or damaged, or the server cannot be reached.`,
  );
  broken += 1;
  const failed = current();
  if (broken <= MOST_BROKEN && queue.beside(1))
    setTimeout(() => current() === failed && sounding().error && step(1), SKIP_BROKEN_AFTER_MS);
}

function go(place, putIn) {
  leave();
  load(place, putIn);
  start();
}

function play(songs, place, seconds = 0) {
  leave();
  queue.replace(songs, place);
  load(queue.place);
  if (seconds) sounding().currentTime = lastTime = seconds;
  start();
}

function step(by) {
  if (by < 0 && (sounding().currentTime > PREVIOUS_RESTARTS_AFTER || !queue.beside(-1))) {
    sounding().currentTime = 0;
  } else if (queue.beside(by)) {
    go(queue.placeBeside(by));
  }
}

// What nobody asked for: a song is over.
function goOnByItself() {
  if (queue.following) go(queue.indexOf(queue.following.id));
  else goOn();
}

// What comes by itself is fetched before, and begins with the last of this song: in a crossfade, or as it ends.
function prepareNext() {
  clearTimeout(handOver);
  const next = sleep.stopsAfterSong ? undefined : queue.following;
  if (!next) {
    decks.fetch("");
    return;
  }
  const address = addressOf("audio", next.song);
  const left = secondsLeft();
  const { playbackRate } = sounding();
  const fade = fadeSeconds(Number(crossfade.value), duration() / playbackRate, next.seconds / playbackRate);
  decks.fetch(isNearEnd(left, fade) || decks.isFetched(address) ? address : "");
  if (left <= fade) beginNext(address, left);
  // Of a file that is converted on the way nobody knows when exactly it ends.
  else if (!fade && left < 1 && Number.isFinite(sounding().duration)) {
    const inTime = () => secondsLeft() < LAST_MOMENT_S && beginNext(address, 0);
    handOver = setTimeout(inTime, 1000 * left - BEGINS_BEFORE_MS);
  }
}

const secondsLeft = () => (duration() - sounding().currentTime) / sounding().playbackRate;

// The queue may have changed since that address was its next one.
function beginNext(address, fade) {
  const next = sleep.stopsAfterSong ? undefined : queue.following;
  if (sounding().paused || !decks.canBegin(address) || address !== (next && addressOf("audio", next.song))) return;
  tellIfEnough();
  go(queue.indexOf(next.id), () => decks.overlap(fade));
}

function pauseOrGoOn() {
  if (sounding().ended) go(queue.place);
  else if (sounding().paused) start();
  else sounding().pause();
}

function seekTo(seconds) {
  sounding().currentTime = Math.min(Math.max(seconds, 0), duration());
}

const seekBy = (seconds) => seekTo(sounding().currentTime + seconds);

// --- The queue ------------------------------------------------------------------------------

function add(songs, next) {
  if (!current()) {
    play(songs, 0);
    return;
  }
  queue.add(songs, next);
  changed();
}

function remove(id) {
  const playing = current();
  if (!queue.remove(id)) return;
  if (current() === playing) {
    changed();
    return;
  }
  const paused = sounding().paused;
  leave(playing);
  load(queue.place);
  if (!paused) start();
}

function move(id, to) {
  if (queue.move(id, to)) changed();
}

function clear() {
  queue.clear();
  changed();
}

function shuffle(on) {
  queue.shuffle(on);
  changed();
}

function setRepeat(how) {
  queue.setRepeat(how);
  changed();
}

function goOnFrom(song) {
  if (song.song !== current()?.song) play([song], 0);
  queue.goOnFrom(song);
  changed();
}

// Songs that were found for a taste that has changed meanwhile are found again.
function findAgain() {
  if (!queue.goingOn) return;
  queue.dropFound();
  changed();
}

async function goOn() {
  if (!queue.wantsMore || fetching) return;
  fetching = true;
  const from = queue.goingOn;
  const but = queue.recent().map(numberOf).join(",");
  try {
    const asked = new URLSearchParams({ but, ...(from.bent && { bend: "1" }) });
    const answer = await fetch(`${addressOf("goOn", from.song)}?${asked}`);
    // Without a network the service worker answers 204.
    if (answer.status !== 200 || answer.redirected) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const songs = [...page.querySelectorAll("[data-song]")].map(songOf);
    if (queue.goingOn !== from) return;
    const waited = sounding().ended && !queue.beside(1);
    queue.goOnWith(songs);
    changed();
    if (waited && songs.length) step(1);
  } catch {
    // Asked again with the next song, or when the network is back.
  } finally {
    fetching = false;
  }
}

const commands = {
  play({ songs, at, seconds, shuffled }) {
    if (shuffled) queue.shuffled = true;
    play(songs.map(songOf), shuffled ? Math.floor(Math.random() * songs.length) : at || 0, seconds);
  },
  add: ({ songs, next }) => add(songs.map(songOf), next),
  similar: ({ song }) => goOnFrom(song instanceof Element ? songOf(song) : song),
  noMore() {
    queue.goOnNoMore();
    changed();
  },
  bend({ bent }) {
    queue.bend(bent);
    changed();
  },
  remove: ({ id }) => remove(id),
  move: ({ id, to }) => move(id, to),
  jump: ({ id }) => go(queue.indexOf(id)),
  next: () => step(1),
  clear,
  findAgain,
};
document.addEventListener("player:do", ({ detail }) => commands[detail.what](detail));

function changed() {
  showOrder(queue);
  document.dispatchEvent(new CustomEvent("player:changed", { detail: queue.state() }));
  keep();
  volume.learn();
  goOn();
}

// --- Stopping by itself, and how fast -----------------------------------------------------------

function setSleep(choice) {
  sleep.set(choice, Date.now());
  sleepChoice.value = sleep.choice;
  volume.apply();
  keep();
}

function sleepIfOver() {
  if (!sleep.until) return;
  if (sleep.isOver(Date.now())) {
    sounding().pause();
    setSleep("off");
  } else volume.apply();
}

// Another song begins at the default rate.
function setSpeed(value) {
  const offered = [...speed.options].some((option) => option.value === value);
  speed.value = offered ? value : "1";
  sounding().defaultPlaybackRate = sounding().playbackRate = Number(speed.value);
}

// --- Showing --------------------------------------------------------------------------------

function showCurrent() {
  showSong(current());
  showNow();
  showState(current(), sounding());
  tellSystemSong(current());
  tellPosition();
}

const showNow = () => showTime(sounding().currentTime, duration());

// --- The system's own controls: lock screen, headphones -----------------------------------------

const tellPosition = () => tellSystemPosition(sounding(), duration());

const whereThereIsASong = (answer) => (details) => current() && answer(details);
answerSystem({
  play: whereThereIsASong(start),
  pause: () => sounding().pause(),
  stop: () => sounding().pause(),
  previoustrack: whereThereIsASong(() => step(-1)),
  nexttrack: whereThereIsASong(() => step(1)),
  seekbackward: whereThereIsASong(({ seekOffset }) => seekBy(-(seekOffset || SEEK_SECONDS))),
  seekforward: whereThereIsASong(({ seekOffset }) => seekBy(seekOffset || SEEK_SECONDS)),
  seekto: whereThereIsASong(({ seekTime }) => seekTo(seekTime)),
});

// --- Keeping it for a reload, and for the next visit ------------------------------------------

function keep() {
  if (!current() || document.body.dataset.who !== who) return;
  const at = sounding().readyState ? sounding().currentTime : lastTime;
  const state = JSON.stringify({
    who,
    ...queue.state(),
    listening,
    untold: plays.untold,
    at,
    playing: !sounding().paused,
    sleep,
  });
  try {
    sessionStorage.setItem(KEPT, state);
    localStorage.setItem(KEPT, state);
  } catch {
    // Storage that is full or forbidden: the music plays all the same.
  }
}

function resume() {
  const here = sessionStorage.getItem(KEPT);
  const kept = here || localStorage.getItem(KEPT);
  const state = kept && JSON.parse(kept);
  if (!state?.queue?.[state.place] || state.who !== who) return;
  queue.restore(state);
  listening = state.listening;
  plays.untold = state.untold;
  lastId = Math.max(...queue.songs.map((song) => song.id));
  lastTime = state.at;
  decks.load(addressOf("audio", current().song));
  sounding().currentTime = state.at;
  showCurrent();
  changed();
  if (here && state.sleep) {
    Object.assign(sleep, state.sleep);
    sleepChoice.value = sleep.choice;
  }
  // In another visit it waits to be asked.
  if (here && state.playing) start();
  plays.tellUntold();
}

// --- Listening ------------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-play]");
  const element = button?.closest("[data-song]");
  if (!element) return;
  if (element.dataset.song === current()?.song) {
    pauseOrGoOn();
    return;
  }
  const list = element.closest("[data-queue], ol, ul") || element;
  const elements = list === element ? [element] : [...list.querySelectorAll("[data-song]")];
  play(elements.map(songOf), elements.indexOf(element));
});

listenToKeys({
  isThere: () => Boolean(current()),
  pauseOrGoOn,
  step,
  seek: (by) => seekBy(by * SEEK_SECONDS),
});

part("toggle").addEventListener("click", pauseOrGoOn);
part("previous").addEventListener("click", () => step(-1));
part("next").addEventListener("click", () => step(1));
part("shuffle").addEventListener("click", () => shuffle(!queue.shuffled));
part("repeat").addEventListener("click", () => setRepeat(REPEATS[queue.repeat].then));
sleepChoice.addEventListener("change", () => setSleep(sleepChoice.value));
speed.addEventListener("change", () => {
  localStorage.setItem(`${KEPT}.speed`, speed.value);
  setSpeed(speed.value);
  tellPosition();
});
crossfade.addEventListener("change", () => localStorage.setItem(`${KEPT}.crossfade`, crossfade.value));
onSeek(seekTo);

onAudio("timeupdate", () => {
  const passed = sounding().currentTime - lastTime;
  // A jump is seeking, not listening.
  if (!sounding().paused && passed > 0 && passed < 2) listening.heard += passed;
  lastTime = sounding().currentTime;
  tellIfEnough();
  showNow();
  sleepIfOver();
  prepareNext();
});
onAudio("durationchange", () => {
  showLength(duration());
  tellPosition();
});
onAudio("playing", () => {
  broken = 0;
  // One tab plays at a time.
  tabs.postMessage({ who });
});
// Whoever plays on after the time that was chosen is awake.
onAudio("play", () => sleep.isOver(Date.now()) && setSleep("off"));
for (const name of ["play", "pause"]) {
  onAudio(name, () => {
    if (current()) showState(current(), sounding());
    tellPosition();
    keep();
  });
}
onAudio("seeked", tellPosition);
onAudio("ended", () => {
  tellIfEnough();
  if (sleep.stopsAfterSong) {
    setSleep("off");
    // The next one is there for whoever wakes up.
    if (queue.following) load(queue.indexOf(queue.following.id));
  } else goOnByItself();
});
onAudio("error", () => {
  if (current()) fail();
});

const tabs = new BroadcastChannel(KEPT);
tabs.addEventListener("message", () => sounding().pause());

document.addEventListener("htmx:afterSettle", () => current() && showState(current(), sounding()));
document.addEventListener("htmx:historyRestore", () => current() && showState(current(), sounding()));
document.addEventListener("player:show", () => current() && showState(current(), sounding()));
document.addEventListener("visibilitychange", keep);
window.addEventListener("pagehide", keep);
window.addEventListener("online", () => {
  plays.tellUntold();
  goOn();
});

// Where only the device's own keys set the volume, as on an iPhone, there is nothing to move.
sounding().volume = 0.5;
bar.toggleAttribute("data-fixed-volume", sounding().volume !== 0.5);
volume.apply();
setSpeed(localStorage.getItem(`${KEPT}.speed`) ?? "1");
crossfade.value = localStorage.getItem(`${KEPT}.crossfade`) ?? "0";
if (!crossfade.value || bar.hasAttribute("data-fixed-volume")) crossfade.value = "0";
resume();
