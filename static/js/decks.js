// The two <audio> elements that take turns. The first one in the player's part of the page is the one that plays. The
// other stands on no page while it fetches the next song, and behind the first while it fades out.
// Media events do not bubble, so whoever wants those of whichever element plays uses `onAudio`.

import { fadeFactors } from "./crossfade.js";

const STEP_MS = 40;

const bar = document.getElementById("player");

/**
 * The element that plays.
 * @returns {HTMLAudioElement}
 */
export const sounding = () => bar.querySelector("audio");

/**
 * @param {string} name of an event
 * @param {() => void} answer
 */
export function onAudio(name, answer) {
  bar.addEventListener(name, ({ target }) => target === sounding() && answer(), true);
}

export class Decks {
  #other = document.createElement("audio");
  /** The address that the other element fetches, or has. */
  #fetched = "";
  /** Whether the browser lets only the element play that was pressed first. */
  #oneOnly = false;
  #volume = 1;
  /** @type {{ volume: number, since: number, seconds: number, timer: number } | null} */
  #fade = null;
  /** @type {HTMLAudioElement | null} the element that played last */
  #played = null;

  constructor() {
    this.#other.preload = "auto";
    onAudio("pause", () => this.#endFade());
  }

  /**
   * Fetch what will play next, in the other element; nothing, where the address is empty.
   * @param {string} address
   */
  fetch(address) {
    if (address === this.#fetched || this.#fade || this.#oneOnly) return;
    this.#fetched = address;
    if (address) this.#other.src = address;
    else this.#empty();
  }

  /** @param {string} address */
  isFetched(address) {
    return this.#fetched === address && !this.#other.error;
  }

  /** @param {string} address */
  canBegin(address) {
    return !this.#fade && this.isFetched(address) && this.#other.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA;
  }

  /**
   * Put another song in, by the element that has fetched it where there is one.
   * @param {string} address
   */
  load(address) {
    this.#endFade();
    if (!this.isFetched(address)) {
      sounding().src = address;
      return;
    }
    this.#change();
    this.#other.remove();
    this.#empty();
  }

  /**
   * Begin with the song that was fetched, while the one that plays goes on to its end.
   * @param {number} seconds in which one fades into the other; 0 for none of that
   */
  overlap(seconds) {
    this.#endFade();
    const { volume } = sounding();
    this.#change();
    const timer = setInterval(() => this.#step(), STEP_MS);
    this.#fade = { volume, since: performance.now(), seconds, timer };
    this.#applyVolume();
  }

  /** @returns {Promise<void>} rejected with what `HTMLMediaElement.play` says */
  async play() {
    const audio = sounding();
    try {
      await audio.play();
      this.#played = audio;
    } catch (reason) {
      // Some browsers let an element play only where somebody pressed it: then the one that has played goes on alone.
      if (reason.name !== "NotAllowedError" || audio !== sounding() || this.#played !== this.#other) throw reason;
      await this.#playByOther();
    }
  }

  /** @param {number} volume */
  setVolume(volume) {
    this.#volume = volume;
    this.#applyVolume();
  }

  #change() {
    const leaving = sounding();
    leaving.preload = "auto";
    this.#other.playbackRate = this.#other.defaultPlaybackRate = leaving.defaultPlaybackRate;
    leaving.before(this.#other);
    this.#other = leaving;
    this.#fetched = "";
  }

  async #playByOther() {
    this.#oneOnly = true;
    const { src } = sounding();
    this.#endFade();
    this.#change();
    this.#other.remove();
    this.#empty();
    sounding().src = src;
    this.#applyVolume();
    await sounding().play();
  }

  #step() {
    const { since, seconds } = this.#fade;
    const faded = seconds && performance.now() - since > 1000 * seconds;
    if (faded || this.#other.ended) this.#endFade();
    else this.#applyVolume();
  }

  #applyVolume() {
    const { volume, since, seconds } = this.#fade || { volume: 0, since: 0, seconds: 0 };
    const done = seconds ? (performance.now() - since) / (1000 * seconds) : 1;
    const factors = fadeFactors(done);
    sounding().volume = this.#volume * factors.coming;
    if (seconds) this.#other.volume = volume * factors.leaving;
  }

  #endFade() {
    if (!this.#fade) return;
    clearInterval(this.#fade.timer);
    this.#fade = null;
    this.#applyVolume();
    this.#other.remove();
    this.#empty();
  }

  #empty() {
    this.#fetched = "";
    this.#other.removeAttribute("src");
    this.#other.load();
  }
}
