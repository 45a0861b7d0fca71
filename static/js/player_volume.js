// How loud the player is: by its slider, by how loud its songs were recorded, and softer before it falls asleep.
// By the element's own volume, and not by Web Audio, which falls silent behind the locked screens of some phones. So a
// soft song is made louder as far as the volume leaves room.

import { factorOf, playsAlbum } from "./loudness.js";
import { addressOf, numberOf } from "./song_addresses.js";

const KEPT = "dcmrs.player";

const bar = document.getElementById("player");
const sliders = bar.querySelectorAll(".player-volume input");
const level = bar.querySelector(".queue-level input");

export class PlayerVolume {
  #volume = 1;
  /** How loud songs are, by address, as far as that was asked. */
  #loudness = new Map();

  /**
   * @param {import("./song_queue.js").SongQueue} queue
   * @param {import("./decks.js").Decks} decks
   * @param {import("./sleep_timer.js").SleepTimer} sleep
   */
  constructor(queue, decks, sleep) {
    this.queue = queue;
    this.decks = decks;
    this.sleep = sleep;
    level.checked = localStorage.getItem(`${KEPT}.level`) !== "0";
    level.addEventListener("change", () => {
      localStorage.setItem(`${KEPT}.level`, level.checked ? "1" : "0");
      this.learn();
    });
    for (const slider of sliders) {
      slider.addEventListener("input", () => {
        this.#set(slider.value);
        localStorage.setItem(`${KEPT}.volume`, slider.value);
      });
    }
    this.#set(localStorage.getItem(`${KEPT}.volume`) ?? "1");
  }

  apply() {
    const { queue, sleep } = this;
    const beside = [queue.beside(-1), queue.beside(1)].map((song) => this.#loudness.get(song?.song));
    const own = this.#loudness.get(queue.current?.song);
    const factor = level.checked ? factorOf(own, playsAlbum(own, beside)) : 1;
    this.decks.setVolume(Math.min(1, this.#volume * factor) * sleep.factor(Date.now()));
  }

  /** Ask how loud the song is, and the next one with it, so that it begins as loud as it goes on. */
  async learn() {
    this.apply();
    const { queue } = this;
    const near = [queue.current, queue.beside(-1), queue.beside(1)].flatMap((song) => (song ? [song.song] : []));
    const unknown = [...new Set(near)].filter((song) => !this.#loudness.has(song));
    if (!level.checked || !unknown.length) return;
    for (const song of unknown) this.#loudness.set(song, undefined);
    try {
      const asked = new URLSearchParams({ songs: unknown.map(numberOf).join(",") });
      const answer = await fetch(`${addressOf("loudness")}?${asked}`);
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      const found = await answer.json();
      for (const song of unknown) this.#loudness.set(song, found[numberOf(song)]);
      this.apply();
    } catch {
      for (const song of unknown) this.#loudness.delete(song);
    }
  }

  #set(value) {
    this.#volume = Number(value);
    for (const slider of sliders) slider.value = value;
    this.apply();
  }
}
