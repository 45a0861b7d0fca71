// What the listener says of a song as a whole, "Favourite" or "Not for me": wherever the song stands on the page, the
// player among it, it shows alike, whatever it was pressed on. Songs are told by the address that it is posted to.

import { addressOf } from "./song_addresses.js";

const IN_A_LIST = ".song-row, .song-line, .song-card, .playlist-row";

/** @param {string} address */
const formsFor = (address) => document.querySelectorAll(`#main form[action="${CSS.escape(address)}"]`);

/**
 * @param {Element} form one with a button that is pressed or not
 * @param {boolean} on
 */
function press(form, on) {
  const button = form.querySelector("button[aria-pressed]");
  const value = form.querySelector("input[type=hidden]:not([name=csrfmiddlewaretoken])");
  if (!button || !(value instanceof HTMLInputElement)) return;
  button.setAttribute("aria-pressed", String(on));
  value.value = on ? "0" : "1";
}

/**
 * @param {string} address
 * @param {boolean} favourite
 */
export function showFavourite(address, favourite) {
  for (const form of formsFor(address)) press(form, favourite);
  document.dispatchEvent(new CustomEvent("song:favourite", { detail: { address, favourite } }));
}

/**
 * @param {string} address
 * @param {boolean} refused
 */
export function showRefused(address, refused) {
  for (const form of formsFor(address)) {
    press(form, refused);
    const words = form.querySelector("button[aria-pressed] .not-this-words");
    if (words) words.textContent = refused ? "Not for me: undo" : "Not for me";
  }
  for (const song of document.querySelectorAll("#main [data-song]")) {
    if (!(song instanceof HTMLElement) || !song.matches(IN_A_LIST)) continue;
    if (addressOf("notThis", song.dataset.song) === address) markRefused(song, address, refused);
  }
}

/**
 * @param {HTMLElement} song
 * @param {string} address
 * @param {boolean} refused
 */
function markRefused(song, address, refused) {
  const note = song.querySelector(".song-refused");
  if (!refused) {
    const focused = note?.contains(document.activeElement);
    note?.remove();
    if (focused) song.querySelector("[data-more]")?.focus();
    return;
  }
  // In the list of what was refused each song has its own way back.
  if (song.querySelector("[name=refused]")) return;
  const pattern = document.getElementById("song-refused").content.firstElementChild;
  const added = document.importNode(pattern, true);
  added.setAttribute("action", address);
  added.setAttribute("hx-post", address);
  added.querySelector("button").setAttribute("aria-label", `Undo: ${song.dataset.title} may be recommended again`);
  song.querySelector(":is(.song-row-by, .song-line-by, .song-card-by)")?.after(added);
  htmx.process(added);
}

document.addEventListener("htmx:afterRequest", ({ detail }) => {
  const { successful, requestConfig } = detail;
  if (!successful || requestConfig?.verb !== "post") return;
  const { favourite, refused } = requestConfig.parameters;
  if (favourite) showFavourite(requestConfig.path, favourite === "1");
  if (refused) showRefused(requestConfig.path, refused === "1");
});
