// The list of what is kept on this device.

import { artistsFrom, showArtists } from "./artists.js";
import { canKeep, forget, keptSongs, remove } from "./kept_songs.js";

const CANNOT = "Songs can be kept only where this site is opened by HTTPS: a browser has no place for them otherwise.";

const ASKED_EVERY_MS = 3000;

/** @param {number} bytes */
function size(bytes) {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1000)} kB`;
  const mega = bytes / 1e6;
  if (mega >= 1000) return `${(mega / 1000).toFixed(1)} GB`;
  return `${mega < 10 ? mega.toFixed(1) : Math.round(mega)} MB`;
}

class KeptSongs extends HTMLElement {
  /** @type {any} */
  templates;
  /** @type {any} */
  list;
  /** @type {any} */
  row;
  /** @type {any} */
  nothing;
  /** @type {AbortController} */
  ended;

  connectedCallback() {
    this.templates = this.querySelectorAll("template");
    [this.list, this.row, this.nothing] = this.templates;
    this.replaceChildren(...this.templates);
    this.ended = new AbortController();
    const { signal } = this.ended;
    this.addEventListener("click", (event) => this.act(event.target.closest("[data-kept]")), { signal });
    document.addEventListener("kept:changed", () => this.show(), { signal });
    for (const name of ["online", "offline"]) window.addEventListener(name, () => this.showNetwork(), { signal });
    const again = document.querySelector("[data-network-again]");
    again?.addEventListener("click", () => this.tryAgain(), { signal });
    if (again) this.awaitServer();
    this.showNetwork();
    this.show();
  }

  disconnectedCallback() {
    this.ended.abort();
  }

  /** Fetch the page that was wanted, whose address is still there; music goes on where the page fits around it. */
  tryAgain() {
    const link = document.createElement("a");
    link.href = location.href;
    this.append(link);
    htmx.process(link);
    link.click();
  }

  /** Try again once the server answers: an event tells of a network, often before anything can be reached by it. */
  async awaitServer() {
    const page = document.querySelector("link[rel=manifest]").getAttribute("href");
    while (!this.ended.signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, ASKED_EVERY_MS));
      if (this.ended.signal.aborted || !navigator.onLine || document.visibilityState === "hidden") continue;
      // Without a server the service worker answers that there is nothing.
      const answer = await fetch(page, { cache: "no-store" }).catch(() => null);
      if (answer?.status === 200 && !this.ended.signal.aborted) return this.tryAgain();
    }
  }

  showNetwork() {
    // Instead of the page that was wanted it says why, also where the network is there and the server is not.
    document.querySelector("[data-network=off]").hidden =
      navigator.onLine && !document.querySelector("[data-network-again]");
  }

  async show() {
    const songs = await keptSongs();
    const estimate = songs.length ? await navigator.storage?.estimate?.() : null;
    if (!this.isConnected) return;
    if (!songs.length) {
      const nothing = this.nothing.content.cloneNode(true);
      if (!canKeep) nothing.querySelector("p").textContent = CANNOT;
      this.replaceChildren(...this.templates, nothing);
      htmx.process(this);
      return;
    }
    const shown = this.list.content.cloneNode(true);
    const bytes = songs.reduce((sum, song) => sum + song.bytes, 0);
    const room = estimate?.quota ? `; there is room for ${size(estimate.quota - estimate.usage)} more` : "";
    shown.querySelector("p").textContent =
      `${songs.length} song${songs.length === 1 ? "" : "s"} take${songs.length === 1 ? "s" : ""} ${size(bytes)}${room}.`;
    shown.querySelector("ol").append(...songs.map((song) => this.rowOf(song)));
    this.replaceChildren(...this.templates, shown);
    htmx.process(this);
    document.dispatchEvent(new CustomEvent("player:show"));
  }

  rowOf(song) {
    const row = this.row.content.firstElementChild.cloneNode(true);
    for (const name of ["song", "title", "artist", "artists", "cover", "seconds"]) row.dataset[name] = song[name];
    row.querySelector("[data-play]").setAttribute("aria-label", `Play ${song.title}`);
    row.querySelector("img").src = song.cover;
    const title = row.querySelector(".song-row-title");
    title.href = song.song;
    title.textContent = song.title;
    showArtists(row.querySelector(".song-row-by"), { artist: song.artist, artists: artistsFrom(song.artists) });
    row.querySelector(".numeric").textContent = size(song.bytes);
    row.querySelector("[data-kept]").setAttribute("aria-label", `Remove ${song.title} from this device`);
    return row;
  }

  async act(button) {
    if (!button) return;
    if (button.dataset.kept === "clear") await forget();
    else await remove(button.closest("[data-song]").dataset.song);
    document.dispatchEvent(new CustomEvent("kept:changed"));
    const heading = document.querySelector("#main h1");
    heading.tabIndex = -1;
    heading.focus();
  }
}

customElements.define("kept-songs", KeptSongs);
