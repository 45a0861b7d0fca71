// What the server is told of songs that were heard or left. What cannot be told is kept and told later: the same play
// told twice is counted once.

import { addressOf } from "./song_addresses.js";

const AGAIN_AFTER_MS = 15_000;
const MOST_UNTOLD = 50;

export class Plays {
  /** @type {{ song: string, startedAt: number, skipped: boolean }[]} */
  untold = [];

  /**
   * @param {string} song its address
   * @param {number} startedAt milliseconds since 1970
   * @param {boolean} skipped
   */
  tell(song, startedAt, skipped) {
    this.untold = [...this.untold, { song, startedAt, skipped }].slice(-MOST_UNTOLD);
    this.tellUntold();
  }

  /** Told again once the network is back: see the event "online" in player.js. */
  async tellUntold() {
    const headers = JSON.parse(document.body.getAttribute("hx-headers"));
    // The page that is shown without a network may not tell: the next one does.
    if (!headers) return;
    for (const play of this.untold) {
      const body = new URLSearchParams({ started_at: String(play.startedAt) });
      if (play.skipped) body.set("skipped", "1");
      try {
        const answer = await fetch(addressOf("plays", play.song), { method: "POST", headers, body, keepalive: true });
        if (answer.status >= 500 || answer.redirected) throw new Error(String(answer.status));
        this.untold = this.untold.filter((other) => other !== play);
      } catch {
        setTimeout(() => this.tellUntold(), AGAIN_AFTER_MS);
        return;
      }
    }
  }
}
