// The player at the foot of every page: one <audio>, played from any element with data-song, which stays while pages
// come and go. A song counts as played once, after half of it or four minutes; left before that, as skipped.
// Other modules tell it what to do by the event "player:do" on `document` and hear of it by "player:changed".
// What comes when is the matter of song_queue.js.

import { artistsFrom, showArtists } from "./artists.js";
import { factorOf, playsAlbum } from "./loudness.js";
import { SleepTimer } from "./sleep_timer.js";
import { addressOf, numberOf } from "./song_addresses.js";
import { SongQueue } from "./song_queue.js";

const KEPT = "dcmrs.player";
const ENOUGH_SECONDS = 240;
const SEEK_SECONDS = 5;
const PREVIOUS_RESTARTS_AFTER = 3;
const TELL_AGAIN_AFTER_MS = 15_000;
const MOST_UNTOLD = 50;
const SKIP_BROKEN_AFTER_MS = 1500;
const MOST_BROKEN = 3;
const WAVE_AGAIN_MS = 2500;
// The button goes round: off, all, one.
const REPEATS = {
  none: { title: "Repeat: off", then: "all" },
  all: { title: "Repeat: all songs", then: "one" },
  one: { title: "Repeat: this song", then: "none" },
};

const bar = document.getElementById("player");
const audio = bar.querySelector("audio");
const part = (name) => bar.querySelector(`.player-${name}`);
const parts = (name) => bar.querySelectorAll(`.player-${name}`);
const toggle = part("toggle");
const seek = part("seek");
const time = part("time");
const length = part("length");
const wave = part("wave");
const volumes = bar.querySelectorAll(".player-volume input");
const level = bar.querySelector(".queue-level input");
const trouble = part("trouble");
const who = document.body.dataset.who;

const sleepChoice = bar.querySelector(".player-sleep");
const speed = bar.querySelector(".player-speed");

const queue = new SongQueue();
const sleep = new SleepTimer();
// Since when and how long the current song was heard, in seconds, and whether that was told to the server.
let listening = { startedAt: 0, heard: 0, told: false };
let untold = [];
let lastTime = 0;
let seeking = false;
let fetching = false;
let broken = 0;
let lastId = 0;
let volume = 1;
// How loud songs are, by address, as far as that was asked.
const loudness = new Map();

const current = () => queue.current;

function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds || 0));
  const rest = String(whole % 60).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${rest}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}

function songOf(element) {
  const { song, title, artist, artists, cover, seconds, why } = element.dataset;
  lastId += 1;
  const about = { song, title, artist, artists: artistsFrom(artists), cover };
  return { id: lastId, ...about, seconds: Number(seconds) || 0, why: why || "" };
}

// A stream that is converted on the way has no known length: the library's own is used then.
function duration() {
  return Number.isFinite(audio.duration) && audio.duration > 0 ? audio.duration : current()?.seconds || 0;
}

// --- Telling the server ---------------------------------------------------------------------

function tell(song, skipped) {
  listening.told = true;
  untold.push({ song: song.song, startedAt: listening.startedAt, skipped });
  untold = untold.slice(-MOST_UNTOLD);
  tellUntold();
}

// What could not be told is kept and told later: the same play told twice is counted once.
async function tellUntold() {
  for (const play of [...untold]) {
    const headers = JSON.parse(document.body.getAttribute("hx-headers"));
    const body = new URLSearchParams({ started_at: String(play.startedAt) });
    if (play.skipped) body.set("skipped", "1");
    try {
      const answer = await fetch(addressOf("plays", play.song), { method: "POST", headers, body, keepalive: true });
      if (answer.status >= 500 || answer.redirected) throw new Error(String(answer.status));
      untold = untold.filter((other) => other !== play);
    } catch {
      setTimeout(tellUntold, TELL_AGAIN_AFTER_MS);
      return;
    }
  }
}

function tellIfEnough() {
  const whole = duration();
  if (!listening.told && whole && listening.heard >= Math.min(whole / 2, ENOUGH_SECONDS)) tell(current(), false);
}

// --- Playing --------------------------------------------------------------------------------

function load(place) {
  queue.goTo(place);
  listening = { startedAt: Date.now(), heard: 0, told: false };
  lastTime = 0;
  audio.src = addressOf("audio", current().song);
  showSong();
  changed();
}

function leave(song = current()) {
  if (song && !listening.told && listening.heard > 0) tell(song, true);
}

function start() {
  trouble.hidden = true;
  audio.play().catch((reason) => {
    // Not allowed before the listener has touched the page: the button is there for that.
    if (reason.name !== "NotAllowedError" && reason.name !== "AbortError") fail();
  });
}

function fail() {
  trouble.textContent = `“${current().title}” cannot be played: its file is missing or damaged, or the server cannot be reached.`;
  trouble.hidden = false;
  broken += 1;
  const failed = current();
  if (broken <= MOST_BROKEN && queue.beside(1))
    setTimeout(() => current() === failed && audio.error && step(1), SKIP_BROKEN_AFTER_MS);
}

function go(place) {
  leave();
  load(place);
  start();
}

function play(songs, place, seconds = 0) {
  leave();
  queue.replace(songs, place);
  load(queue.place);
  if (seconds) audio.currentTime = lastTime = seconds;
  start();
}

function step(by) {
  if (by < 0 && (audio.currentTime > PREVIOUS_RESTARTS_AFTER || !queue.beside(-1))) {
    audio.currentTime = 0;
  } else if (queue.beside(by)) {
    go(queue.placeBeside(by));
  }
}

// What nobody asked for: a song is over.
function goOnByItself() {
  if (queue.following) go(queue.indexOf(queue.following.id));
  else goOn();
}

function pauseOrGoOn() {
  if (audio.ended) go(queue.place);
  else if (audio.paused) start();
  else audio.pause();
}

function seekTo(seconds) {
  audio.currentTime = Math.min(Math.max(seconds, 0), duration());
}

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
  const paused = audio.paused;
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
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const songs = [...page.querySelectorAll("[data-song]")].map(songOf);
    if (queue.goingOn !== from) return;
    const waited = audio.ended && !queue.beside(1);
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
  play: ({ songs, at, seconds }) => play(songs.map(songOf), at || 0, seconds),
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
  part("next").disabled = !queue.beside(1);
  showOrder();
  document.dispatchEvent(new CustomEvent("player:changed", { detail: queue.state() }));
  keep();
  setLevel();
  goOn();
}

// --- How loud -------------------------------------------------------------------------------

function setVolume(value) {
  volume = Number(value);
  for (const slider of volumes) slider.value = value;
  applyVolume();
}

// By the element's own volume, and not by Web Audio, which falls silent behind the locked screens of some phones. So a
// soft song is made louder as far as the volume leaves room.
function applyVolume() {
  const beside = [queue.beside(-1), queue.beside(1)].map((song) => loudness.get(song?.song));
  const own = loudness.get(current()?.song);
  const factor = level.checked ? factorOf(own, playsAlbum(own, beside)) : 1;
  audio.volume = Math.min(1, volume * factor) * sleep.factor(Date.now());
}

// The next song is asked for with this one, so that it begins as loud as it goes on.
async function setLevel() {
  applyVolume();
  const near = [queue.current, queue.beside(-1), queue.beside(1)].flatMap((song) => (song ? [song.song] : []));
  const unknown = [...new Set(near)].filter((song) => !loudness.has(song));
  if (!level.checked || !unknown.length) return;
  for (const song of unknown) loudness.set(song, undefined);
  try {
    const answer = await fetch(
      `${addressOf("loudness")}?${new URLSearchParams({ songs: unknown.map(numberOf).join(",") })}`,
    );
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    const found = await answer.json();
    for (const song of unknown) loudness.set(song, found[numberOf(song)]);
    applyVolume();
  } catch {
    for (const song of unknown) loudness.delete(song);
  }
}

// --- Stopping by itself, and how fast -----------------------------------------------------------

function setSleep(choice) {
  sleep.set(choice, Date.now());
  sleepChoice.value = sleep.choice;
  applyVolume();
  keep();
}

function sleepIfOver() {
  if (!sleep.until) return;
  if (sleep.isOver(Date.now())) {
    audio.pause();
    setSleep("off");
  } else applyVolume();
}

// Another song begins at the default rate.
function setSpeed(value) {
  const offered = [...speed.options].some((option) => option.value === value);
  speed.value = offered ? value : "1";
  audio.defaultPlaybackRate = audio.playbackRate = Number(speed.value);
}

// --- Showing --------------------------------------------------------------------------------

function showSong() {
  const song = current();
  bar.hidden = false;
  trouble.hidden = true;
  for (const title of parts("title")) {
    title.textContent = song.title;
    title.href = song.song;
    htmx.process(title);
  }
  for (const artist of parts("artist")) {
    showArtists(artist, song);
    htmx.process(artist);
  }
  for (const cover of parts("cover")) {
    cover.src = song.cover;
    cover.hidden = false;
  }
  seek.max = String(Math.ceil(song.seconds));
  length.textContent = clock(song.seconds);
  showTime();
  showState();
  showWave(song, 1);
  showStars(song);
  tellSystem();
}

// The listener's stars for the song, as every row of it has them; page.js keeps them alike.
async function showStars(song) {
  for (const place of parts("stars")) place.replaceChildren();
  const answer = await fetch(addressOf("stars", song.song)).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const stars = page.querySelector("form.stars");
  if (current() !== song || !stars) return;
  for (const instead of stars.querySelectorAll("noscript")) instead.remove();
  for (const place of parts("stars")) {
    const form = document.importNode(stars, true);
    place.replaceChildren(form);
    htmx.process(form);
  }
}

// The song's own waveform behind the line that it is sought on, once it is drawn.
async function showWave(song, tries) {
  wave.hidden = true;
  const address = addressOf("waveform", song.song);
  const answer = await fetch(address).catch(() => null);
  if (current() !== song || !answer) return;
  if (answer.status === 202 && tries) setTimeout(() => current() === song && showWave(song, tries - 1), WAVE_AGAIN_MS);
  if (answer.status !== 200) return;
  wave.style.maskImage = `url("${address}")`;
  wave.hidden = false;
}

function showOrder() {
  part("shuffle").setAttribute("aria-pressed", String(queue.shuffled));
  const repeat = part("repeat");
  repeat.dataset.repeat = queue.repeat;
  repeat.title = REPEATS[queue.repeat].title;
  repeat.setAttribute("aria-label", REPEATS[queue.repeat].title);
}

function showTime() {
  if (seeking) return;
  const whole = duration();
  seek.value = String(audio.currentTime);
  seek.setAttribute("aria-valuetext", `${clock(audio.currentTime)} of ${clock(whole)}`);
  time.textContent = clock(audio.currentTime);
  wave.style.setProperty("--heard", `${whole ? (100 * audio.currentTime) / whole : 0}%`);
}

function showState() {
  const playing = !audio.paused;
  bar.toggleAttribute("data-playing", playing);
  toggle.setAttribute("aria-label", playing ? "Pause" : "Play");
  showTitle();
  for (const element of document.querySelectorAll("#main [data-song]")) {
    const isCurrent = element.dataset.song === current()?.song;
    element.toggleAttribute("data-current", isCurrent);
    element.toggleAttribute("data-playing", isCurrent && playing);
    const button = element.querySelector("[data-play]");
    if (button)
      button.setAttribute("aria-label", `${isCurrent && playing ? "Pause" : "Play"} ${element.dataset.title}`);
  }
}

// --- The tab's title ------------------------------------------------------------------------------

// What plays stands before the page's own title; whichever page comes meanwhile brings one of its own.
const tab = document.querySelector("title");
let pageTitle = document.title;
let tabTitle = pageTitle;

function showTitle() {
  if (document.title !== tabTitle) pageTitle = document.title;
  const song = current();
  const plays = song && !audio.paused && !audio.ended;
  tabTitle = plays ? [song.title, song.artist].filter(Boolean).join(" · ") : pageTitle;
  if (document.title !== tabTitle) document.title = tabTitle;
}

new MutationObserver(() => document.title !== tabTitle && showTitle()).observe(tab, {
  childList: true,
  characterData: true,
  subtree: true,
});

// --- The system's own controls: lock screen, headphones -----------------------------------------

const session = navigator.mediaSession;

function tellSystem() {
  if (!session) return;
  const song = current();
  const artwork = [{ src: new URL(song.cover, location.href).href }];
  session.metadata = new MediaMetadata({ title: song.title, artist: song.artist, artwork });
  tellPosition();
}

function tellPosition() {
  if (!session) return;
  session.playbackState = audio.paused ? "paused" : "playing";
  const whole = duration();
  if (whole)
    session.setPositionState({
      duration: whole,
      position: Math.min(audio.currentTime, whole),
      playbackRate: audio.playbackRate,
    });
}

/** @type {Partial<Record<MediaSessionAction, (details: MediaSessionActionDetails) => void>>} */
const asSystemAsks = {
  play: start,
  pause: () => audio.pause(),
  stop: () => audio.pause(),
  previoustrack: () => step(-1),
  nexttrack: () => step(1),
  seekbackward: ({ seekOffset }) => seekTo(audio.currentTime - (seekOffset || SEEK_SECONDS)),
  seekforward: ({ seekOffset }) => seekTo(audio.currentTime + (seekOffset || SEEK_SECONDS)),
  seekto: ({ seekTime }) => seekTo(seekTime),
};
for (const [action, answer] of Object.entries(asSystemAsks)) {
  try {
    session?.setActionHandler(/** @type {MediaSessionAction} */ (action), (details) => current() && answer(details));
  } catch {
    // A browser need not know every action.
  }
}

// --- Keeping it for a reload, and for the next visit ------------------------------------------

function keep() {
  if (!current() || document.body.dataset.who !== who) return;
  const at = audio.readyState ? audio.currentTime : lastTime;
  const state = JSON.stringify({ who, ...queue.state(), listening, untold, at, playing: !audio.paused, sleep });
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
  ({ listening, untold } = state);
  lastId = Math.max(...queue.songs.map((song) => song.id));
  lastTime = state.at;
  audio.src = addressOf("audio", current().song);
  audio.currentTime = state.at;
  showSong();
  changed();
  if (here && state.sleep) {
    Object.assign(sleep, state.sleep);
    sleepChoice.value = sleep.choice;
  }
  // In another visit it waits to be asked.
  if (here && state.playing) start();
  if (untold.length) tellUntold();
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

// Space plays after a click too, wherever that left the focus: only who came to a button by keyboard means the button.
const TYPED_IN =
  "input:not([type=range], [type=radio], [type=checkbox], [type=button], [type=submit]), textarea, select";
let clicked = null;
let spaceTaken = false;
document.addEventListener("click", ({ detail }) => {
  clicked = detail ? document.activeElement : null;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Tab") clicked = null;
  if (event.key !== " " || !current() || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  if (event.defaultPrevented || event.target !== clicked || event.target === document.body) return;
  if (event.target.closest(`${TYPED_IN}, dialog, [popover], [contenteditable]`)) return;
  event.preventDefault();
  spaceTaken = true;
  if (!event.repeat) pauseOrGoOn();
});
// Firefox presses the button on the way up.
document.addEventListener("keyup", (event) => {
  if (event.key === " " && spaceTaken) event.preventDefault();
  spaceTaken = false;
});

document.addEventListener("keydown", (event) => {
  if (!current() || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest("a, button, input, select, textarea, summary, dialog, [popover], [contenteditable]")) return;
  if (event.key === " " && !event.shiftKey) {
    if (!event.repeat) pauseOrGoOn();
  } else if (event.key === "ArrowLeft") event.shiftKey ? step(-1) : seekTo(audio.currentTime - SEEK_SECONDS);
  else if (event.key === "ArrowRight") event.shiftKey ? step(1) : seekTo(audio.currentTime + SEEK_SECONDS);
  else return;
  event.preventDefault();
});

toggle.addEventListener("click", pauseOrGoOn);
part("previous").addEventListener("click", () => step(-1));
part("next").addEventListener("click", () => step(1));
part("shuffle").addEventListener("click", () => shuffle(!queue.shuffled));
part("repeat").addEventListener("click", () => setRepeat(REPEATS[queue.repeat].then));
for (const slider of volumes) {
  slider.addEventListener("input", () => {
    setVolume(slider.value);
    localStorage.setItem(`${KEPT}.volume`, slider.value);
  });
}
level.addEventListener("change", () => {
  localStorage.setItem(`${KEPT}.level`, level.checked ? "1" : "0");
  setLevel();
});
sleepChoice.addEventListener("change", () => setSleep(sleepChoice.value));
speed.addEventListener("change", () => {
  localStorage.setItem(`${KEPT}.speed`, speed.value);
  setSpeed(speed.value);
  tellPosition();
});
seek.addEventListener("input", () => {
  seeking = true;
  time.textContent = clock(Number(seek.value));
});
seek.addEventListener("change", () => {
  seeking = false;
  seekTo(Number(seek.value));
});

audio.addEventListener("timeupdate", () => {
  const passed = audio.currentTime - lastTime;
  // A jump is seeking, not listening.
  if (!audio.paused && passed > 0 && passed < 2) listening.heard += passed;
  lastTime = audio.currentTime;
  tellIfEnough();
  showTime();
  sleepIfOver();
});
audio.addEventListener("durationchange", () => {
  seek.max = String(Math.ceil(duration()));
  length.textContent = clock(duration());
  tellPosition();
});
audio.addEventListener("playing", () => {
  broken = 0;
  // One tab plays at a time.
  tabs.postMessage({ who });
});
// Whoever plays on after the time that was chosen is awake.
audio.addEventListener("play", () => sleep.isOver(Date.now()) && setSleep("off"));
for (const name of ["play", "pause"]) {
  audio.addEventListener(name, () => {
    showState();
    tellPosition();
    keep();
  });
}
audio.addEventListener("seeked", tellPosition);
audio.addEventListener("ended", () => {
  tellIfEnough();
  if (sleep.stopsAfterSong) {
    setSleep("off");
    // The next one is there for whoever wakes up.
    if (queue.following) load(queue.indexOf(queue.following.id));
  } else goOnByItself();
});
audio.addEventListener("error", () => {
  if (current()) fail();
});

const tabs = new BroadcastChannel(KEPT);
tabs.addEventListener("message", () => audio.pause());

document.addEventListener("htmx:afterSettle", () => current() && showState());
document.addEventListener("htmx:historyRestore", () => current() && showState());
document.addEventListener("visibilitychange", keep);
window.addEventListener("pagehide", keep);
window.addEventListener("online", () => {
  tellUntold();
  goOn();
});

// Where only the device's own keys set the volume, as on an iPhone, there is nothing to move.
audio.volume = 0.5;
bar.toggleAttribute("data-fixed-volume", audio.volume !== 0.5);
level.checked = localStorage.getItem(`${KEPT}.level`) !== "0";
setVolume(localStorage.getItem(`${KEPT}.volume`) ?? "1");
setSpeed(localStorage.getItem(`${KEPT}.speed`) ?? "1");
resume();
