// "Keep offline", in the menu of a song and for all songs of a list.

import { canKeep, keep, keptSongs, remove } from "./kept_songs.js";
import { say, words } from "./queue.js";

const entry = document.querySelector("#song-menu [data-menu=keep]");

/** The addresses of what is kept. */
let kept = new Set();

async function look() {
  kept = new Set((await keptSongs()).map(({ song }) => song));
}

function link() {
  const made = document.createElement("a");
  made.href = document.getElementById("player").dataset.offline;
  made.textContent = "What is kept";
  return made;
}

// Browsers delete what they were not asked to keep when the disk is full.
const ask = () => navigator.storage?.persist?.().catch(() => false);

/** @param {HTMLElement[]} elements with data-song */
async function keepAll(elements) {
  const wanted = elements.filter(({ dataset }) => !kept.has(dataset.song));
  await ask();
  let done = 0;
  for (const { dataset } of wanted) {
    say(words(`Keeping ${dataset.title}${wanted.length > 1 ? `, ${done + 1} of ${wanted.length}` : ""} …`));
    try {
      await keep(/** @type {any} */ (dataset));
    } catch (reason) {
      const why =
        reason.name === "QuotaExceededError" ? "there is no more room for it here" : "the server cannot be reached";
      say(words(`${dataset.title} is not kept: ${why}.`), link());
      break;
    }
    done += 1;
  }
  await look();
  document.dispatchEvent(new CustomEvent("kept:changed"));
  if (done < wanted.length) return;
  const what = elements.length === 1 ? `${elements[0].dataset.title} is` : `${elements.length} songs are`;
  say(words(`${what} kept on this device.`), link());
}

async function keepOrRemove(element) {
  const { song, title } = element.dataset;
  if (!kept.has(song)) {
    await keepAll([element]);
    return;
  }
  await remove(song);
  await look();
  document.dispatchEvent(new CustomEvent("kept:changed"));
  say(words(`${title} is no longer kept on this device.`));
}

function showButtons() {
  for (const button of document.querySelectorAll("[data-keep-all]")) button.hidden = false;
}

if (canKeep) {
  look();
  showButtons();
  document.addEventListener("htmx:load", showButtons);
  document.addEventListener("song:menu", ({ detail }) => {
    entry.hidden = false;
    entry.textContent = kept.has(detail.song) ? "Keep offline no more" : "Keep offline";
  });
  document.addEventListener("song:keep", ({ detail }) => keepOrRemove(detail));
  document.addEventListener("kept:changed", look);
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-keep-all]");
    if (button) keepAll([...document.querySelectorAll(`#${button.dataset.keepAll} [data-song]`)]);
  });
}
