// Songs that are kept in this browser, to be heard without a network. Each has three entries in a cache of its listener's
// own: its sound, its cover, and what lists say of it. The service worker answers from there.

import { addressOf } from "./song_addresses.js";

/**
 * @typedef {object} KeptSong
 * @property {string} song its address, "/songs/7/"
 * @property {string} title
 * @property {string} artist
 * @property {string} artists as songs.data of components/songs.jinja writes them
 * @property {string} cover
 * @property {string} seconds
 * @property {number} bytes
 * @property {number} at milliseconds since 1970
 */

const PREFIX = "dcmrs-kept:";
const ABOUT = "kept";

/** Browsers have a place for it only on pages by HTTPS, or of this very machine. */
export const canKeep = "caches" in window && "serviceWorker" in navigator;

const nameOf = (who) => PREFIX + who;
const who = () => document.body.dataset.who;

/** @returns {Promise<KeptSong[]>} in the order in which they were kept: a playlist in its own */
export async function keptSongs() {
  if (!canKeep || !who() || !(await caches.has(nameOf(who())))) return [];
  const cache = await caches.open(nameOf(who()));
  const entries = (await cache.keys()).filter(({ url }) => url.endsWith(`/${ABOUT}`));
  const songs = await Promise.all(entries.map(async (entry) => (await cache.match(entry)).json()));
  return songs.sort((a, b) => a.at - b.at);
}

/**
 * Fetch a song and keep it.
 * @param {{ song: string, title: string, artist?: string, artists?: string, cover: string, seconds?: string }} about
 * @returns {Promise<void>} rejected, with nothing of it kept, where there is no network or no room
 */
export async function keep({ song, title, artist = "", artists = "", cover, seconds = "" }) {
  const cache = await caches.open(nameOf(who()));
  try {
    const [sound, picture] = await Promise.all([whole(addressOf("audio", song)), whole(cover)]);
    await cache.put(addressOf("audio", song), responseOf(sound));
    await cache.put(new URL(cover, location.href).pathname, responseOf(picture));
    const bytes = sound.size + picture.size;
    const kept = { song, title, artist, artists, cover, seconds, bytes, at: Date.now() };
    await cache.put(song + ABOUT, Response.json(kept));
  } catch (reason) {
    await remove(song);
    throw reason;
  }
}

/** @param {string} song its address */
export async function remove(song) {
  const cache = await caches.open(nameOf(who()));
  for (const { url } of await cache.keys())
    if (new URL(url).pathname.startsWith(song)) await cache.delete(url, { ignoreVary: true });
}

/**
 * Delete what is kept, but for what one listener keeps.
 * @param {string} [but] their name
 */
export async function forget(but) {
  if (!canKeep) return;
  for (const name of await caches.keys())
    if (name.startsWith(PREFIX) && name !== nameOf(but ?? "")) await caches.delete(name);
}

/** @param {string} address */
async function whole(address) {
  const answer = await fetch(address);
  if (answer.status !== 200 || answer.redirected) throw new Error(`${address}: ${answer.status}`);
  return answer.blob();
}

/** @param {Blob} blob */
const responseOf = (blob) => new Response(blob, { headers: { "Content-Type": blob.type } });
