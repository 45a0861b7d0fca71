// The words of the song that plays move with it: the line that is sung is marked, and brought into view in its list.

import { onAudio, sounding } from "./decks.js";

const title = document.querySelector("#player .player-title");

/** @param {Element} list */
function follow(list) {
  const lines = [...list.querySelectorAll("[data-ms]")];
  if (!lines.length) return;
  const plays = title instanceof HTMLAnchorElement && new URL(title.href).pathname === list.getAttribute("data-lyrics");
  const now = plays ? 1000 * sounding().currentTime : -1;
  const sung = lines.filter((line) => Number(line.getAttribute("data-ms")) <= now).at(-1);
  for (const line of list.querySelectorAll("[aria-current]")) if (line !== sung) line.removeAttribute("aria-current");
  if (!(sung instanceof HTMLElement) || sung.hasAttribute("aria-current")) return;
  sung.setAttribute("aria-current", "true");
  // Only the list moves: the page stays where its reader is.
  list.scrollTop = sung.offsetTop - list.clientHeight / 2;
}

function followAll() {
  for (const list of document.querySelectorAll("[data-lyrics]")) follow(list);
}

for (const event of ["timeupdate", "seeked", "emptied"]) onAudio(event, followAll);
