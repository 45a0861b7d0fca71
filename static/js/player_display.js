// What the bar at the foot of the page, and every row of a song on it, show of what plays.

import { showArtists } from "./artists.js";
import { addressOf } from "./song_addresses.js";
import { opinionOf } from "./stars.js";
import { nameTab } from "./tab_title.js";

/** @typedef {import("./song_queue.js").Song} Song */

const WAVE_AGAIN_MS = 2500;
// The button goes round: off, all, one.
export const REPEATS = {
  none: { title: "Repeat: off", then: "all" },
  all: { title: "Repeat: all songs", then: "one" },
  one: { title: "Repeat: this song", then: "none" },
};

const bar = document.getElementById("player");
const part = (name) => bar.querySelector(`.player-${name}`);
const parts = (name) => bar.querySelectorAll(`.player-${name}`);
const seek = part("seek");
const time = part("time");
const length = part("length");
const wave = part("wave");
const trouble = part("trouble");

/** The song that is shown. */
let shown;
/** Whether somebody moves the place in the song just now. */
let seeking = false;

/** @param {number} seconds */
function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds || 0));
  const rest = String(whole % 60).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${rest}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}

/** @param {Song} song */
export function showSong(song) {
  shown = song;
  bar.hidden = false;
  bar.removeAttribute("data-only-says");
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
  showLength(song.seconds);
  showWave(song, 1);
  showOpinion(song);
}

/**
 * @param {string} text what went wrong; empty to say nothing
 */
export function showTrouble(text) {
  trouble.textContent = text;
  trouble.hidden = !text;
}

/** @param {boolean} favourite */
function showFavourite(favourite) {
  for (const button of bar.querySelectorAll("[data-wish='favourite']"))
    button.setAttribute("aria-pressed", String(favourite));
}

document.addEventListener("song:favourite", ({ detail }) => {
  if (shown && detail.address === addressOf("favourite", shown.song)) showFavourite(detail.favourite);
});

async function showOpinion(song) {
  for (const place of parts("stars")) place.replaceChildren();
  part("labels").textContent = "";
  showFavourite(false);
  const { stars, favourite, labels } = await opinionOf(song.song);
  if (shown !== song || !stars) return;
  showFavourite(favourite);
  part("labels").textContent = labels;
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
  if (shown !== song || !answer) return;
  if (answer.status === 202 && tries) setTimeout(() => shown === song && showWave(song, tries - 1), WAVE_AGAIN_MS);
  if (answer.status !== 200) return;
  wave.style.maskImage = `url("${address}")`;
  wave.hidden = false;
}

/** @param {{ shuffled: boolean, repeat: import("./song_queue.js").Repeat, beside: (by: number) => Song | undefined }} queue */
export function showOrder(queue) {
  part("next").disabled = !queue.beside(1);
  part("shuffle").setAttribute("aria-pressed", String(queue.shuffled));
  const repeat = part("repeat");
  repeat.dataset.repeat = queue.repeat;
  repeat.title = REPEATS[queue.repeat].title;
  repeat.setAttribute("aria-label", REPEATS[queue.repeat].title);
}

/** @param {number} seconds */
export function showLength(seconds) {
  seek.max = String(Math.ceil(seconds));
  length.textContent = clock(seconds);
}

/**
 * @param {number} now seconds
 * @param {number} whole
 */
export function showTime(now, whole) {
  if (seeking) return;
  seek.value = String(now);
  seek.setAttribute("aria-valuetext", `${clock(now)} of ${clock(whole)}`);
  time.textContent = clock(now);
  wave.style.setProperty("--heard", `${whole ? (100 * now) / whole : 0}%`);
}

/** @param {(seconds: number) => void} seekTo */
export function onSeek(seekTo) {
  seek.addEventListener("input", () => {
    seeking = true;
    time.textContent = clock(Number(seek.value));
  });
  seek.addEventListener("change", () => {
    seeking = false;
    seekTo(Number(seek.value));
  });
}

/**
 * @param {Song} song
 * @param {HTMLAudioElement} audio that plays it
 */
export function showState(song, audio) {
  const playing = !audio.paused;
  bar.toggleAttribute("data-playing", playing);
  part("toggle").setAttribute("aria-label", playing ? "Pause" : "Play");
  nameTab(playing && !audio.ended ? song : null);
  for (const element of document.querySelectorAll("#main [data-song]")) {
    const isCurrent = element.dataset.song === song.song;
    element.toggleAttribute("data-current", isCurrent);
    element.toggleAttribute("data-playing", isCurrent && playing);
    const button = element.querySelector("[data-play]");
    if (button)
      button.setAttribute("aria-label", `${isCurrent && playing ? "Pause" : "Play"} ${element.dataset.title}`);
  }
}
