// The queue is kept on the server, where other players of the listener keep theirs: what one of them left is offered
// here, and what plays here can be gone on with there. Loaded before player.js, which it talks with by events.

import { onAudio, sounding } from "./decks.js";
import { addressOf, numberOf } from "./song_addresses.js";

const KEPT = "dcmrs.player";
const LEFT = `${KEPT}.left`;
const AFTER_CHANGE_MS = 1500;
const WHILE_PLAYING_MS = 30_000;
const LOOKED_AGAIN_AFTER_MS = 60_000;
const SAME_PLACE_SECONDS = 30;

const offer = document.getElementById("player-offer");
const who = document.body.dataset.who;
// Known before player.js has put it there again: in this tab it played a moment ago.
const wentOn = sessionStorage.getItem(KEPT) !== null;

let state = { queue: [], place: -1 };
// Only who has pressed play here has taken over; until then the queue on the server is another player's.
let tookOver = false;
let untold = false;
let told = "stopped";
let timer = 0;
let hiddenAt = 0;
let offered = null;

const current = () => state.queue[state.place];

// Not once somebody else has logged in, nor on the page that is shown without a network.
const mayAsk = () => document.body.dataset.who === who && document.body.hasAttribute("hx-headers");

function doing() {
  if (!sounding().paused) return "playing";
  return sounding().ended ? "stopped" : "paused";
}

function post(values, keepalive = false) {
  const headers = JSON.parse(document.body.getAttribute("hx-headers"));
  return fetch(addressOf("queue"), { method: "POST", headers, body: new URLSearchParams(values), keepalive });
}

async function save(leaving = false) {
  clearTimeout(timer);
  timer = 0;
  const song = current();
  if (!song || !mayAsk()) return;
  const doingNow = leaving && doing() !== "stopped" ? "stopped" : doing();
  if (!untold && doingNow === told) return;
  const place = { position: String(Math.round(1000 * sounding().currentTime)), state: doingNow };
  // Where nothing has changed here, another player may have kept its queue since.
  const values = untold
    ? { songs: state.queue.map((one) => numberOf(one.song)).join(","), current: String(state.place), ...place }
    : { song: numberOf(song.song), ...place };
  untold = false;
  told = doingNow;
  try {
    const answer = await post(values, leaving);
    if (answer.status >= 500) throw new Error(String(answer.status));
  } catch {
    // The next change tells it again.
    untold = tookOver;
  }
}

function soon(ms = AFTER_CHANGE_MS) {
  untold = true;
  if (timer && ms === WHILE_PLAYING_MS) return;
  clearTimeout(timer);
  timer = setTimeout(save, ms);
}

document.addEventListener("player:changed", ({ detail }) => {
  state = detail;
  if (tookOver) soon();
});
onAudio("play", () => {
  tookOver = true;
  offer.hidden = true;
  soon();
});
onAudio("timeupdate", () => {
  if (!sounding().paused) soon(WHILE_PLAYING_MS);
});
for (const name of ["pause", "seeked"]) {
  onAudio(name, () => {
    if (tookOver) soon();
  });
}
window.addEventListener("pagehide", () => {
  if (tookOver) save(true);
});

// --- Going on from another player ------------------------------------------------------------

function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}

async function look() {
  if (!mayAsk() || !sounding().paused) return;
  const answer = await fetch(addressOf("queue")).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const list = page.querySelector("[data-kept]");
  const songs = list ? [...list.querySelectorAll("[data-song]")] : [];
  const song = songs[Number(list?.dataset.place)];
  // What is no newer than what was turned down is not offered again.
  if (!song || !sounding().paused || Number(list.dataset.kept) <= Number(localStorage.getItem(LEFT))) return;
  const seconds = Number(list.dataset.ms) / 1000;
  const same =
    song.dataset.song === current()?.song &&
    songs.length === state.queue.length &&
    Math.abs(seconds - sounding().currentTime) < SAME_PLACE_SECONDS;
  if (same) return;
  offered = { songs, at: Number(list.dataset.place), seconds, kept: list.dataset.kept };
  const from = list.dataset.by ? `Go on from ${list.dataset.by}?` : "Go on where you stopped?";
  const by = song.dataset.artist ? `, ${song.dataset.artist}` : "";
  const at = seconds < 1 ? "" : `, at ${clock(seconds)}`;
  offer.querySelector("p").textContent = `${from} ${song.dataset.title}${by}${at}`;
  offer.hidden = false;
}

offer.addEventListener("click", ({ target }) => {
  const what = target.closest("[data-offer]")?.dataset.offer;
  if (!what || !offered) return;
  offer.hidden = true;
  if (what === "leave") {
    localStorage.setItem(LEFT, offered.kept);
    return;
  }
  const { songs, at, seconds } = offered;
  document.dispatchEvent(new CustomEvent("player:do", { detail: { what: "play", songs, at, seconds } }));
});

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") hiddenAt = Date.now();
  else if (Date.now() - hiddenAt > LOOKED_AGAIN_AFTER_MS) look();
});
// Whoever goes on to another page wants something else; the next visit offers it again.
document.addEventListener("htmx:pushedIntoHistory", () => {
  offer.hidden = true;
});

// After player.js has put back what this browser kept.
if (!wentOn) window.addEventListener("load", look);
