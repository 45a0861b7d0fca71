// A song's labels, and what the listener says of it: stars, as its rows have them, and whether it is a favourite. page.js
// keeps the stars alike that show the same song, opinions.js the favourites.

import { addressOf } from "./song_addresses.js";

/**
 * @param {string} song address of its page
 * @returns {Promise<{ stars: HTMLFormElement | null, favourite: boolean, labels: string }>} no stars without a server
 */
export async function opinionOf(song) {
  const nothing = { stars: null, favourite: false, labels: "" };
  const answer = await fetch(addressOf("stars", song)).catch(() => null);
  if (!answer?.ok || answer.redirected) return nothing;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const stars = page.querySelector("form.stars");
  if (!(stars instanceof HTMLFormElement)) return nothing;
  for (const instead of stars.querySelectorAll("noscript")) instead.remove();
  const { favourite, labels } = stars.parentElement.dataset;
  return { stars: document.importNode(stars, true), favourite: favourite !== undefined, labels };
}
