// The player at the foot of every page: one <audio>, played from any element with data-song.
// A song counts as played once, after half of it or four minutes; left before that, as skipped.
// What plays is kept for the next page of this tab, which goes on where this one stopped.

const KEPT = "dcmrs.player";
const ENOUGH_SECONDS = 240;
const SEEK_SECONDS = 5;
const PREVIOUS_RESTARTS_AFTER = 3;
const TELL_AGAIN_AFTER_MS = 15_000;

const bar = document.getElementById("player");
const audio = bar.querySelector("audio");
const part = (name) => bar.querySelector(`.player-${name}`);
const cover = part("cover");
const title = part("title");
const artist = part("artist");
const toggle = part("toggle");
const seek = part("seek");
const time = part("time");
const length = part("length");
const volume = part("volume").querySelector("input");
const trouble = part("trouble");

let queue = [];
let place = -1;
// Since when and how long the current song was heard, in seconds, and whether that was told to the server.
let listening = { startedAt: 0, heard: 0, told: false };
let lastTime = 0;
let seeking = false;

const current = () => queue[place];

function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds || 0));
  const rest = String(whole % 60).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${rest}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}

function songOf(element) {
  const { song, title, artist, cover, seconds } = element.dataset;
  return { song, title, artist, cover, seconds: Number(seconds) || 0 };
}

// A stream that is converted on the way has no known length: the library's own is used then.
function duration() {
  return Number.isFinite(audio.duration) && audio.duration > 0 ? audio.duration : current()?.seconds || 0;
}

// --- Telling the server ---------------------------------------------------------------------

function tell(skipped) {
  const told = listening;
  told.told = true;
  const headers = JSON.parse(document.body.getAttribute("hx-headers"));
  const body = new URLSearchParams({ started_at: String(told.startedAt) });
  if (skipped) body.set("skipped", "1");
  fetch(`${current().song}plays/`, { method: "POST", headers, body, keepalive: true }).catch(() => {
    // The same play told twice is counted once.
    setTimeout(() => (told.told = false), TELL_AGAIN_AFTER_MS);
  });
}

function tellIfEnough() {
  const whole = duration();
  if (!listening.told && whole && listening.heard >= Math.min(whole / 2, ENOUGH_SECONDS)) tell(false);
}

// --- Playing --------------------------------------------------------------------------------

function load(newQueue, newPlace) {
  if (current() && !listening.told && listening.heard > 0) tell(true);
  queue = newQueue;
  place = newPlace;
  listening = { startedAt: Date.now(), heard: 0, told: false };
  lastTime = 0;
  show();
  audio.src = `${current().song}audio`;
}

function start() {
  trouble.hidden = true;
  audio.play().catch((reason) => {
    // Not allowed before the listener has touched the page: the button is there for that.
    if (reason.name !== "NotAllowedError" && reason.name !== "AbortError") fail();
  });
}

function fail() {
  trouble.textContent = `“${current().title}” cannot be played: its file is missing or damaged.`;
  trouble.hidden = false;
}

function play(newQueue, newPlace) {
  load(newQueue, newPlace);
  start();
}

function step(by) {
  if (by < 0 && (audio.currentTime > PREVIOUS_RESTARTS_AFTER || place === 0)) {
    audio.currentTime = 0;
  } else if (queue[place + by]) {
    play(queue, place + by);
  }
}

function pauseOrGoOn() {
  if (audio.ended) play(queue, place);
  else if (audio.paused) start();
  else audio.pause();
}

function seekTo(seconds) {
  audio.currentTime = Math.min(Math.max(seconds, 0), duration());
}

// --- Showing --------------------------------------------------------------------------------

function show() {
  const song = current();
  bar.hidden = false;
  title.textContent = song.title;
  title.href = song.song;
  artist.textContent = song.artist;
  cover.src = song.cover;
  cover.hidden = false;
  seek.max = String(Math.ceil(song.seconds));
  length.textContent = clock(song.seconds);
  part("next").disabled = !queue[place + 1];
  showTime();
  showState();
}

function showTime() {
  if (seeking) return;
  seek.value = String(audio.currentTime);
  seek.setAttribute("aria-valuetext", `${clock(audio.currentTime)} of ${clock(duration())}`);
  time.textContent = clock(audio.currentTime);
}

function showState() {
  const playing = !audio.paused;
  bar.toggleAttribute("data-playing", playing);
  toggle.setAttribute("aria-label", playing ? "Pause" : "Play");
  for (const element of document.querySelectorAll("[data-song]")) {
    const isCurrent = element.dataset.song === current()?.song;
    element.toggleAttribute("data-current", isCurrent);
    element.toggleAttribute("data-playing", isCurrent && playing);
    const button = element.querySelector("[data-play]");
    if (button) button.setAttribute("aria-label", `${isCurrent && playing ? "Pause" : "Play"} ${element.dataset.title}`);
  }
}

// --- Keeping it for the next page -----------------------------------------------------------

function keep() {
  if (!current()) return;
  const state = { queue, place, listening, at: audio.currentTime, playing: !audio.paused };
  sessionStorage.setItem(KEPT, JSON.stringify(state));
}

function goOn() {
  const kept = sessionStorage.getItem(KEPT);
  if (!kept) return;
  const state = JSON.parse(kept);
  ({ queue, place, listening } = state);
  lastTime = state.at;
  audio.src = `${current().song}audio`;
  audio.currentTime = state.at;
  show();
  if (state.playing) start();
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
  if (!current() || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  if (event.target.closest("a, button, input, select, textarea, summary, [popover]")) return;
  if (event.key === " ") pauseOrGoOn();
  else if (event.key === "ArrowLeft") seekTo(audio.currentTime - SEEK_SECONDS);
  else if (event.key === "ArrowRight") seekTo(audio.currentTime + SEEK_SECONDS);
  else return;
  event.preventDefault();
});

toggle.addEventListener("click", pauseOrGoOn);
part("previous").addEventListener("click", () => step(-1));
part("next").addEventListener("click", () => step(1));
volume.addEventListener("input", () => {
  audio.volume = Number(volume.value);
  localStorage.setItem(`${KEPT}.volume`, volume.value);
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
});
audio.addEventListener("durationchange", () => {
  seek.max = String(Math.ceil(duration()));
  length.textContent = clock(duration());
});
audio.addEventListener("play", showState);
audio.addEventListener("pause", showState);
audio.addEventListener("ended", () => {
  tellIfEnough();
  if (queue[place + 1]) play(queue, place + 1);
});
audio.addEventListener("error", () => {
  if (current()) fail();
});

document.addEventListener("htmx:afterSwap", () => current() && showState());
window.addEventListener("pagehide", keep);
// A page that the browser brings back whole knows nothing of what was played since.
window.addEventListener("pageshow", (event) => event.persisted && goOn());

const keptVolume = localStorage.getItem(`${KEPT}.volume`);
if (keptVolume !== null) volume.value = audio.volume = Number(keptVolume);
goOn();
