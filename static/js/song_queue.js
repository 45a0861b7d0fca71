// The queue that player.js plays: its songs, which of them is playing, and what it goes on with. Nothing here touches
// the page, so that tests/js/ can test it without a browser.

const PLAYED_KEPT = 50;
const REMEMBERED = 250;
const GO_ON_BEFORE = 4;

/**
 * @typedef {object} Song
 * @property {number} id of this entry: a song can be in the queue more than once
 * @property {string} song its address, "/songs/7/"
 * @property {string} title
 * @property {string} artist
 * @property {[string, string?][]} [artists] the same in parts, each artist with the address of a page
 * @property {string} cover the address of its picture
 * @property {number} seconds
 * @property {string} why it was recommended; empty where somebody chose it
 * @property {boolean} [goesOn] whether it was found to go on with, and not chosen
 * @property {number} [order] while the queue is shuffled, its place before that; none for what came later
 */

/**
 * The song that an endless queue goes on from, and whether the listener's taste counts as much as its sound.
 * @typedef {{ song: string, title: string, bent?: boolean }} Origin
 */

/** @typedef {"none" | "all" | "one"} Repeat What comes after the last song, or after every song. */

export class SongQueue {
  /** @type {Song[]} */
  songs = [];
  /** The index of the song that plays; -1 in an empty queue. */
  place = -1;
  /** @type {Origin | null} */
  goingOn = null;
  /** Whether what is to come, and songs that are chosen from now on, come in a random order. */
  shuffled = false;
  /** @type {Repeat} */
  repeat = "none";
  /**
   * Addresses of what was played and is no longer in the queue, the latest first.
   * @type {string[]}
   */
  earlier = [];

  /** @returns {Song | undefined} */
  get current() {
    return this.songs[this.place];
  }

  /**
   * @param {() => number} [random] in [0, 1), for shuffling
   */
  constructor(random = Math.random) {
    this.random = random;
  }

  /**
   * @param {number} by how many places before or after the current song; round and round where all is repeated
   * @returns {Song | undefined}
   */
  beside(by) {
    return this.songs[this.placeBeside(by)];
  }

  /**
   * @param {number} by
   * @returns {number} outside of the queue where nothing is there
   */
  placeBeside(by) {
    const place = this.place + by;
    const count = this.songs.length;
    return this.repeat === "all" && count ? ((place % count) + count) % count : place;
  }

  /** What plays by itself after the current song. */
  get following() {
    return this.repeat === "one" ? this.current : this.beside(1);
  }

  /** @param {number} id */
  indexOf(id) {
    return this.songs.findIndex((song) => song.id === id);
  }

  /**
   * Make the song at a place the current one. What was played long ago leaves the queue, and is remembered, unless it
   * shall come again.
   * @param {number} place
   */
  goTo(place) {
    if (this.repeat === "all") {
      this.place = place;
      return;
    }
    const gone = this.songs.splice(0, Math.max(0, place - PLAYED_KEPT));
    this.#remember(gone);
    this.place = place - gone.length;
  }

  /**
   * Play these songs instead, from the one at a place; shuffled, that one comes first and all others after it.
   * @param {Song[]} songs
   * @param {number} place
   */
  replace(songs, place) {
    this.#remember(this.songs.slice(0, this.place + 1));
    this.songs = songs;
    this.goingOn = null;
    if (!this.shuffled) {
      this.goTo(place);
      return;
    }
    songs.forEach((song, at) => (song.order = at));
    this.songs = [...songs.slice(place, place + 1), ...this.#inRandomOrder(songs.filter((_, at) => at !== place))];
    this.goTo(0);
  }

  /**
   * Add songs after the current one, or at the end: before what the queue goes on with, which nobody chose.
   * @param {Song[]} songs
   * @param {boolean} [next]
   */
  add(songs, next = false) {
    const found = this.songs.findIndex((song, at) => at > this.place && song.goesOn);
    const end = found < 0 ? this.songs.length : found;
    this.songs.splice(next ? this.place + 1 : end, 0, ...songs);
  }

  /**
   * Take one song out. The only one stays; in the current one's place comes the song after it, or else before it.
   * @param {number} id
   * @returns {boolean} whether it was there and is gone
   */
  remove(id) {
    const at = this.indexOf(id);
    if (at < 0 || (at === this.place && this.songs.length === 1)) return false;
    this.songs.splice(at, 1);
    if (at < this.place) this.place -= 1;
    this.place = Math.min(this.place, this.songs.length - 1);
    return true;
  }

  /**
   * Move a song; the current one stays the current one.
   * @param {number} id
   * @param {number} to its new index
   * @returns {boolean} whether anything moved
   */
  move(id, to) {
    const at = this.indexOf(id);
    const playing = this.current;
    if (at < 0 || to < 0 || to >= this.songs.length || at === to || !playing) return false;
    this.songs.splice(to, 0, ...this.songs.splice(at, 1));
    this.place = this.songs.indexOf(playing);
    return true;
  }

  /**
   * Put what is to come in a random order, or back in the order that it had, going on behind the current song and round.
   * What was found to go on with stays at the end.
   * @param {boolean} on
   */
  shuffle(on) {
    this.shuffled = on;
    if (on) this.songs.forEach((song, at) => (song.order = at));
    const toCome = this.songs.splice(this.place + 1);
    const chosen = toCome.filter((song) => !song.goesOn);
    const found = toCome.filter((song) => song.goesOn);
    this.songs.push(...(on ? this.#inRandomOrder(chosen) : this.#inFormerOrder(chosen)), ...found);
    if (!on) for (const song of this.songs) delete song.order;
  }

  /**
   * What is repeated has an end, so a queue that went on for ever no longer does.
   * @param {Repeat} repeat
   */
  setRepeat(repeat) {
    this.repeat = repeat;
    if (repeat === "all") this.goingOn = null;
    else if (this.place >= 0) this.goTo(this.place);
  }

  /** Keep only the current song, and go on with nothing. */
  clear() {
    this.songs = this.current ? [this.current] : [];
    this.place = this.songs.length - 1;
    this.goingOn = null;
  }

  /**
   * Go on with songs like this one, for ever; what was to come gives way to them.
   * @param {Origin} origin
   */
  goOnFrom({ song, title, bent }) {
    this.songs.length = this.place + 1;
    if (this.repeat === "all") this.setRepeat("none");
    this.goingOn = { song, title, ...(bent && { bent }) };
  }

  /** Go on with nothing: what was found and has not been played leaves the queue. */
  goOnNoMore() {
    this.dropFound();
    this.goingOn = null;
  }

  /**
   * Bend what follows to the listener's taste, or no more; it is found again.
   * @param {boolean} bent
   */
  bend(bent) {
    if (!this.goingOn) return;
    const { song, title } = this.goingOn;
    this.dropFound();
    this.goingOn = { song, title, ...(bent && { bent }) };
  }

  /** Whether songs to go on with are running out. */
  get wantsMore() {
    return this.goingOn !== null && this.songs.length - this.place - 1 <= GO_ON_BEFORE;
  }

  /**
   * Append what was found to go on with. Where nothing is found any more, the queue ends.
   * @param {Song[]} songs
   */
  goOnWith(songs) {
    this.songs.push(...songs.map((song) => ({ ...song, goesOn: true })));
    if (!songs.length) this.goingOn = null;
  }

  /** Take out what was found to go on with and has not been played: for a taste that has changed it is found again. */
  dropFound() {
    this.songs = this.songs.filter((song, at) => at <= this.place || !song.goesOn);
  }

  /**
   * What shall not come again soon.
   * @returns {string[]} addresses, the latest first
   */
  recent() {
    const inQueue = this.songs.map((song) => song.song).reverse();
    return [...new Set([...inQueue, ...this.earlier])].slice(0, REMEMBERED);
  }

  /**
   * All of it, as it is kept for the next visit.
   * @returns {{ queue: Song[], place: number, goingOn: Origin | null, earlier: string[], shuffled: boolean,
   *   repeat: Repeat }}
   */
  state() {
    const { songs, place, goingOn, earlier, shuffled, repeat } = this;
    return { queue: songs, place, goingOn, earlier, shuffled, repeat };
  }

  /**
   * @param {{ queue: Song[], place: number, goingOn: Origin | null, earlier: string[], shuffled?: boolean,
   *   repeat?: Repeat }} state without the last two where an earlier version kept it
   */
  restore({ queue, place, goingOn, earlier, shuffled = false, repeat = "none" }) {
    this.shuffled = shuffled;
    this.repeat = repeat;
    this.songs = queue;
    this.place = place;
    this.goingOn = goingOn;
    this.earlier = earlier;
  }

  /**
   * Fisher and Yates: every order is as likely as every other.
   * @param {Song[]} songs
   */
  #inRandomOrder(songs) {
    const mixed = [...songs];
    for (let last = mixed.length - 1; last > 0; last -= 1) {
      const chosen = Math.floor(this.random() * (last + 1));
      [mixed[last], mixed[chosen]] = [mixed[chosen], mixed[last]];
    }
    return mixed;
  }

  /**
   * What came in while it was shuffled has no former place, and comes first.
   * @param {Song[]} songs
   */
  #inFormerOrder(songs) {
    const from = this.current?.order ?? -1;
    const added = songs.filter((song) => song.order === undefined);
    const placed = songs.filter((song) => song.order !== undefined).sort((a, b) => a.order - b.order);
    const behind = placed.filter((song) => song.order > from);
    return [...added, ...behind, ...placed.filter((song) => song.order <= from)];
  }

  /** @param {Song[]} played from the first to the last */
  #remember(played) {
    this.earlier = [...played.map((song) => song.song).reverse(), ...this.earlier].slice(0, REMEMBERED);
  }
}
