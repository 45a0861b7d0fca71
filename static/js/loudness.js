// How loud a song is to be played, so that none is louder than another: ReplayGain, as its file has it. Nothing here
// touches the page, so that tests/js/ can test it without a browser.

/**
 * @typedef {object} Loudness
 * @property {string} album the same for all songs of an album; empty for a song on none
 * @property {number} [trackGain] decibels
 * @property {number} [trackPeak] 1 is full scale
 * @property {number} [albumGain]
 * @property {number} [albumPeak]
 */

/**
 * What the volume is multiplied by. On an album that plays through, its loud and soft songs keep their difference.
 * @param {Loudness | undefined} loudness
 * @param {boolean} asAlbum
 * @returns {number} 1 where nothing is known; never so much that the loudest moment would be cut off
 */
export function factorOf(loudness, asAlbum) {
  if (!loudness) return 1;
  const { trackGain, trackPeak, albumGain, albumPeak } = loudness;
  const byAlbum = albumGain !== undefined && (asAlbum || trackGain === undefined);
  const [gain, peak] = byAlbum ? [albumGain, albumPeak] : [trackGain, trackPeak];
  if (gain === undefined) return 1;
  // What has no peak may have its loudest moment at full scale.
  return Math.min(10 ** (gain / 20), 1 / Math.max(peak || 1, 1e-3));
}

/**
 * Whether an album plays through: a song beside this one is of the same album.
 * @param {Loudness | undefined} loudness
 * @param {(Loudness | undefined)[]} beside those before and after it
 */
export function playsAlbum(loudness, beside) {
  return Boolean(loudness?.album) && beside.some((one) => one?.album === loudness?.album);
}
