// Who made a song, each of them leading to a page of theirs: what songs.data of components/songs.jinja says of them, as
// the player keeps it.

/** @typedef {[text: string, address?: string]} Part */

/**
 * Show the artists of a song in an element, and a text behind them; once that is in the page, htmx has to be told.
 * @param {Element} element
 * @param {{ artist?: string, artists?: Part[] }} song without `artists` where it was kept by an earlier version
 * @param {string} [more]
 */
export function showArtists(element, { artist, artists }, more = "") {
  const parts = artists?.length ? artists : [[artist || ""]];
  element.replaceChildren(...parts.map(([text, address]) => (address ? link(text, address) : text)), more);
}

/**
 * The artists as songs.data writes them.
 * @param {string | undefined} written
 * @returns {Part[]}
 */
export const artistsFrom = (written) => (written ? JSON.parse(written) : []);

function link(text, address) {
  const made = document.createElement("a");
  made.href = address;
  made.textContent = text;
  return made;
}
