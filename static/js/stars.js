// The listener's stars for a song, as its rows have them; page.js keeps those that show the same song alike.

import { addressOf } from "./song_addresses.js";

/**
 * @param {string} song address of its page
 * @returns {Promise<HTMLFormElement | null>} null where the server cannot be reached
 */
export async function starsFor(song) {
  const answer = await fetch(addressOf("stars", song)).catch(() => null);
  if (!answer?.ok || answer.redirected) return null;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const stars = page.querySelector("form.stars");
  if (!(stars instanceof HTMLFormElement)) return null;
  for (const instead of stars.querySelectorAll("noscript")) instead.remove();
  return document.importNode(stars, true);
}
