// When one song gives way to the next, and how loud both are meanwhile. Nothing here touches the page, so that tests/js/
// can test it without a browser.

/** The next song is fetched when this one has so many seconds left, beside those of the crossfade. */
const FETCHED_BEFORE = 20;

/**
 * Seconds that two songs sound together: as many as were chosen, but never more than a third of either.
 * @param {number} chosen
 * @param {number} length seconds of the song that ends
 * @param {number} nextLength seconds of the song that begins; 0 where that is not known
 */
export function fadeSeconds(chosen, length, nextLength) {
  return Math.max(0, Math.min(chosen, length / 3, (nextLength || length) / 3));
}

/**
 * What the volumes of both songs are multiplied by: as loud together as one song alone.
 * @param {number} done how much of the crossfade is over, 0 to 1
 * @returns {{ leaving: number, coming: number }}
 */
export function fadeFactors(done) {
  const angle = (Math.min(Math.max(done, 0), 1) * Math.PI) / 2;
  return { leaving: Math.cos(angle), coming: Math.sin(angle) };
}

/**
 * Whether it is time to fetch the next song.
 * @param {number} left seconds that the song still sounds
 * @param {number} fade seconds of the crossfade
 */
export const isNearEnd = (left, fade) => left <= fade + FETCHED_BEFORE;
