// The addresses of what belongs to a song. The page names each once, on the player, with 0 for the song's number.

/** @param {string} song its own address, "/songs/7/" */
export const numberOf = (song) => song.match(/(\d+)\/$/)?.[1];

/**
 * @param {"audio" | "plays" | "goOn" | "stars" | "waveform" | "moreLikeThis" | "notThis" | "queue" | "loudness" |
 *   "album" | "download" | "lyricsOf" | "favourite"} what
 * @param {string} [song] its own address, "/songs/7/"; none for what is of no song
 * @returns {string}
 */
export function addressOf(what, song) {
  const address = document.getElementById("player").dataset[what];
  return song === undefined ? address : address.replace("/0/", `/${numberOf(song)}/`);
}
