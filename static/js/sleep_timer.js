// When the music is to stop by itself: after some minutes, growing softer at last, or at the end of the song. Nothing
// here touches the page, so that tests/js/ can test it without a browser.

const SOFTER_FOR_MS = 15_000;

export class SleepTimer {
  /** What was chosen: "off", "song" for the end of the song, or how many minutes. */
  choice = "off";
  /** Milliseconds since 1970; 0 where no time was chosen. */
  until = 0;

  /**
   * @param {string} choice
   * @param {number} now
   */
  set(choice, now) {
    const minutes = Number(choice);
    this.choice = minutes > 0 || choice === "song" ? choice : "off";
    this.until = minutes > 0 ? now + minutes * 60_000 : 0;
  }

  /** Whether no song is to follow this one. */
  get stopsAfterSong() {
    return this.choice === "song";
  }

  /** @param {number} now */
  isOver(now) {
    return this.until > 0 && now >= this.until;
  }

  /**
   * What the volume is multiplied by.
   * @param {number} now
   * @returns {number} 1 until shortly before the end, then less and less
   */
  factor(now) {
    return this.until ? Math.min(Math.max((this.until - now) / SOFTER_FOR_MS, 0), 1) : 1;
  }
}
