// The player at the foot of every page: one <audio>, played from any element with data-song, which stays while pages
// come and go. A song counts as played once, after half of it or four minutes; left before that, as skipped.
// Other modules tell it what to do by the event "player:do" on `document` and hear of it by "player:changed".

const KEPT = "dcmrs.player";
const ENOUGH_SECONDS = 240;
const SEEK_SECONDS = 5;
const PREVIOUS_RESTARTS_AFTER = 3;
const TELL_AGAIN_AFTER_MS = 15_000;
const MOST_UNTOLD = 50;
const PLAYED_KEPT = 50;
const GO_ON_BEFORE = 4;
const REMEMBERED = 250;
const SKIP_BROKEN_AFTER_MS = 1500;
const MOST_BROKEN = 3;
const WAVE_AGAIN_MS = 2500;

const bar = document.getElementById("player");
const audio = bar.querySelector("audio");
const part = (name) => bar.querySelector(`.player-${name}`);
const cover = part("cover");
const parts = (name) => bar.querySelectorAll(`.player-${name}`);
const toggle = part("toggle");
const seek = part("seek");
const time = part("time");
const length = part("length");
const wave = part("wave");
const volumes = bar.querySelectorAll(".player-volume input");
const trouble = part("trouble");
const who = document.body.dataset.who;

let queue = [];
let place = -1;
// The song that the queue goes on from for ever, if it does, and what was played before what is still in the queue.
let goingOn = null;
let earlier = [];
// Since when and how long the current song was heard, in seconds, and whether that was told to the server.
let listening = { startedAt: 0, heard: 0, told: false };
let untold = [];
let lastTime = 0;
let seeking = false;
let fetching = false;
let broken = 0;
let lastId = 0;

const current = () => queue[place];
const numberOf = (address) => address.match(/(\d+)\/$/)?.[1];

function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds || 0));
  const rest = String(whole % 60).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${rest}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}

function songOf(element) {
  const { song, title, artist, cover, seconds, why } = element.dataset;
  lastId += 1;
  return { id: lastId, song, title, artist, cover, seconds: Number(seconds) || 0, why: why || "" };
}

// A stream that is converted on the way has no known length: the library's own is used then.
function duration() {
  return Number.isFinite(audio.duration) && audio.duration > 0 ? audio.duration : current()?.seconds || 0;
}

// --- Telling the server ---------------------------------------------------------------------

function tell(skipped) {
  listening.told = true;
  untold.push({ song: current().song, startedAt: listening.startedAt, skipped });
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
      const answer = await fetch(`${play.song}plays/`, { method: "POST", headers, body, keepalive: true });
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
  if (!listening.told && whole && listening.heard >= Math.min(whole / 2, ENOUGH_SECONDS)) tell(false);
}

// --- Playing --------------------------------------------------------------------------------

function load(newPlace) {
  place = newPlace;
  // What was played long ago need not stay in the queue, only not come again at once.
  const gone = queue.splice(0, Math.max(0, place - PLAYED_KEPT));
  earlier = [...gone.reverse().map((song) => song.song), ...earlier].slice(0, REMEMBERED);
  place -= gone.length;
  listening = { startedAt: Date.now(), heard: 0, told: false };
  lastTime = 0;
  audio.src = `${current().song}audio`;
  showSong();
  changed();
}

function leave() {
  if (current() && !listening.told && listening.heard > 0) tell(true);
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
  if (broken <= MOST_BROKEN && queue[place + 1])
    setTimeout(() => current() === failed && audio.error && go(place + 1), SKIP_BROKEN_AFTER_MS);
}

function go(newPlace) {
  leave();
  load(newPlace);
  start();
}

function play(songs, at) {
  leave();
  earlier = [...queue.slice(0, place + 1).reverse().map((song) => song.song), ...earlier].slice(0, REMEMBERED);
  queue = songs;
  goingOn = null;
  load(at);
  start();
}

function step(by) {
  if (by < 0 && (audio.currentTime > PREVIOUS_RESTARTS_AFTER || place === 0)) {
    audio.currentTime = 0;
  } else if (queue[place + by]) {
    go(place + by);
  }
}

function pauseOrGoOn() {
  if (audio.ended) go(place);
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
  const chosen = queue.findIndex((song, at) => at > place && song.goesOn);
  const at = next ? place + 1 : chosen < 0 ? queue.length : chosen;
  queue.splice(at, 0, ...songs);
  changed();
}

function remove(id) {
  const at = queue.findIndex((song) => song.id === id);
  if (at < 0) return;
  if (at === place) {
    if (queue.length === 1) return;
    leave();
    const paused = audio.paused;
    queue.splice(at, 1);
    load(Math.min(at, queue.length - 1));
    if (!paused) start();
  } else {
    queue.splice(at, 1);
    if (at < place) place -= 1;
    changed();
  }
}

function move(id, to) {
  const at = queue.findIndex((song) => song.id === id);
  if (at < 0 || to < 0 || to >= queue.length || at === to) return;
  const playing = current();
  queue.splice(to, 0, ...queue.splice(at, 1));
  place = queue.indexOf(playing);
  changed();
}

function clear() {
  queue = current() ? [current()] : [];
  place = queue.length - 1;
  goingOn = null;
  changed();
}

function goOnFrom(song) {
  if (song.song !== current()?.song) play([song], 0);
  // What was chosen before gives way to songs like this one.
  queue.length = place + 1;
  goingOn = { song: song.song, title: song.title };
  changed();
}

// Songs that were found for a taste that has changed meanwhile are found again.
function findAgain() {
  if (!goingOn) return;
  queue = queue.filter((song, at) => at <= place || !song.goesOn);
  changed();
}

async function goOn() {
  if (!goingOn || fetching || queue.length - place - 1 > GO_ON_BEFORE) return;
  fetching = true;
  const from = goingOn;
  const known = [...queue.map((song) => song.song).reverse(), ...earlier].map(numberOf);
  const but = [...new Set(known)].slice(0, REMEMBERED).join(",");
  try {
    const answer = await fetch(`${from.song}go-on/?${new URLSearchParams({ but })}`);
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const songs = [...page.querySelectorAll("[data-song]")].map((element) => ({ ...songOf(element), goesOn: true }));
    if (goingOn !== from) return;
    const waited = audio.ended && !queue[place + 1];
    queue.push(...songs);
    if (!songs.length) goingOn = null;
    changed();
    if (waited && songs.length) go(place + 1);
  } catch {
    // Asked again with the next song, or when the network is back.
  } finally {
    fetching = false;
  }
}

const commands = {
  play: ({ songs, at }) => play(songs.map(songOf), at || 0),
  add: ({ songs, next }) => add(songs.map(songOf), next),
  similar: ({ song }) => goOnFrom(song instanceof Element ? songOf(song) : song),
  remove: ({ id }) => remove(id),
  move: ({ id, to }) => move(id, to),
  jump: ({ id }) => go(queue.findIndex((song) => song.id === id)),
  next: () => step(1),
  clear,
  findAgain,
};
document.addEventListener("player:do", ({ detail }) => commands[detail.what](detail));

function changed() {
  part("next").disabled = !queue[place + 1];
  document.dispatchEvent(new CustomEvent("player:changed", { detail: { queue, place, goingOn } }));
  keep();
  goOn();
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
  for (const artist of parts("artist")) artist.textContent = song.artist;
  cover.src = song.cover;
  cover.hidden = false;
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
  const answer = await fetch(`${song.song}stars/`).catch(() => null);
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
  const address = `${song.song}waveform`;
  const answer = await fetch(address).catch(() => null);
  if (current() !== song || !answer) return;
  if (answer.status === 202 && tries) setTimeout(() => current() === song && showWave(song, tries - 1), WAVE_AGAIN_MS);
  if (answer.status !== 200) return;
  wave.style.maskImage = `url("${address}")`;
  wave.hidden = false;
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
  for (const element of document.querySelectorAll("#main [data-song]")) {
    const isCurrent = element.dataset.song === current()?.song;
    element.toggleAttribute("data-current", isCurrent);
    element.toggleAttribute("data-playing", isCurrent && playing);
    const button = element.querySelector("[data-play]");
    if (button) button.setAttribute("aria-label", `${isCurrent && playing ? "Pause" : "Play"} ${element.dataset.title}`);
  }
}

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
  if (whole) session.setPositionState({ duration: whole, position: Math.min(audio.currentTime, whole), playbackRate: 1 });
}

for (const [action, answer] of Object.entries({
  play: start,
  pause: () => audio.pause(),
  stop: () => audio.pause(),
  previoustrack: () => step(-1),
  nexttrack: () => step(1),
  seekbackward: ({ seekOffset }) => seekTo(audio.currentTime - (seekOffset || SEEK_SECONDS)),
  seekforward: ({ seekOffset }) => seekTo(audio.currentTime + (seekOffset || SEEK_SECONDS)),
  seekto: ({ seekTime }) => seekTo(seekTime),
})) {
  try {
    session?.setActionHandler(action, (details) => current() && answer(details));
  } catch {
    // A browser need not know every action.
  }
}

// --- Keeping it for a reload, and for the next visit ------------------------------------------

function keep() {
  if (!current() || document.body.dataset.who !== who) return;
  const at = audio.readyState ? audio.currentTime : lastTime;
  const state = JSON.stringify({ who, queue, place, goingOn, earlier, listening, untold, at, playing: !audio.paused });
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
  ({ queue, place, goingOn, earlier, listening, untold } = state);
  lastId = Math.max(...queue.map((song) => song.id));
  lastTime = state.at;
  audio.src = `${current().song}audio`;
  audio.currentTime = state.at;
  showSong();
  changed();
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

document.addEventListener("keydown", (event) => {
  if (!current() || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest("a, button, input, select, textarea, summary, dialog, [popover], [contenteditable]")) return;
  if (event.key === " " && !event.shiftKey) pauseOrGoOn();
  else if (event.key === "ArrowLeft") event.shiftKey ? step(-1) : seekTo(audio.currentTime - SEEK_SECONDS);
  else if (event.key === "ArrowRight") event.shiftKey ? step(1) : seekTo(audio.currentTime + SEEK_SECONDS);
  else return;
  event.preventDefault();
});

toggle.addEventListener("click", pauseOrGoOn);
part("previous").addEventListener("click", () => step(-1));
part("next").addEventListener("click", () => step(1));
function setVolume(value) {
  audio.volume = Number(value);
  for (const volume of volumes) volume.value = value;
}

for (const volume of volumes) {
  volume.addEventListener("input", () => {
    setVolume(volume.value);
    localStorage.setItem(`${KEPT}.volume`, volume.value);
  });
}
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
  if (queue[place + 1]) go(place + 1);
  else goOn();
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
setVolume(localStorage.getItem(`${KEPT}.volume`) ?? "1");
resume();
