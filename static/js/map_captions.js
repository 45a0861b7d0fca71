// What the parts of the map are called: the label that tells a crowd of songs from all others, in its middle, larger
// where the crowd is; nearby, where songs stand alone, who plays them. By zoom: a crowd is what lies in a square of the
// screen, so that looking closer names smaller ones.

const SQUARE_PX = 170;
const APART_PX = 120;
const FEWEST = 4;
const LEAST_SHARE = 0.4;
const FEW = 30;
const MOST = 14;
const ALONE = 24;
const SIZES = [12, 22];

export class Captions {
  constructor(map) {
    this.map = map;
    this.points = map.points;
    this.shown = [];
    this.overall = new Map();
    for (let i = 0; i < this.points.length; i += 1)
      for (const label of this.points.labelsOf(i)) this.overall.set(label, (this.overall.get(label) || 0) + 1);
  }

  // Name the songs that are in sight; of a few it is said who plays them, as soon as the list has asked for that.
  name(songs) {
    const { view, names } = this.map;
    const before = JSON.stringify(this.shown);
    this.shown = songs.length > ALONE ? this.#crowds(songs, view.scale) : this.#artists(songs, view.scale, names.known);
    if (JSON.stringify(this.shown) !== before) this.map.draw();
  }

  #crowds(songs, scale) {
    const { points } = this;
    // A power of two: while the map is moved or zoomed a little, the squares stay.
    const side = (SQUARE_PX / 2 ** Math.round(Math.log2(scale * points.width))) * points.width;
    const squares = new Map();
    for (const i of songs) {
      const square = `${Math.floor(points.x[i] / side)} ${Math.floor(points.y[i] / side)}`;
      if (squares.has(square)) squares.get(square).push(i);
      else squares.set(square, [i]);
    }
    const named = [...squares.values()].map((inside) => this.#named(inside, scale)).filter(Boolean);
    named.sort((one, other) => other.songs - one.songs);
    return this.#apart(named, scale);
  }

  // The label that most sets some songs apart, in their middle; nothing where none is on enough of them.
  #named(songs, scale) {
    const { points, overall } = this;
    if (songs.length < FEWEST) return null;
    const having = new Map();
    for (const i of songs)
      for (const label of points.labelsOf(i)) {
        if (having.has(label)) having.get(label).push(i);
        else having.set(label, [i]);
      }
    let best = null;
    let most = 0;
    for (const [label, those] of having) {
      const share = those.length / songs.length;
      const lift = share * Math.log(1 + (those.length / overall.get(label)) * (points.length / songs.length));
      if (share >= LEAST_SHARE && those.length >= FEWEST - 1 && lift > most) [best, most] = [label, lift];
    }
    if (best === null) return null;
    const those = having.get(best);
    const mean = (column) => those.reduce((sum, i) => sum + column[i], 0) / those.length;
    const highest = those.reduce((least, i) => Math.min(least, points.y[i]), Infinity);
    // Over a few dots it would hide them.
    const y = those.length < FEW ? highest - SIZES[1] / scale : mean(points.y);
    const size = Math.min(SIZES[1], SIZES[0] + 2 * Math.log2(those.length / FEWEST));
    return { text: points.labels[best].name, x: mean(points.x), y, size, songs: those.length };
  }

  #artists(songs, scale, known) {
    const named = songs
      .map((i) => ({ i, about: known.get(this.points.ids[i]) }))
      .filter(({ about }) => about?.artist)
      .map(({ i, about }) => ({
        text: about.artist.length > 24 ? `${about.artist.slice(0, 23)}…` : about.artist,
        x: this.points.x[i],
        y: this.points.y[i] - SIZES[1] / scale,
        size: SIZES[0],
      }));
    return this.#apart(named, scale);
  }

  // Without those that would lie over one that was named before.
  #apart(named, scale) {
    const kept = [];
    for (const one of named) {
      const near = (other) =>
        Math.abs(one.x - other.x) * scale < APART_PX && Math.abs(one.y - other.y) * scale < 2 * SIZES[1];
      const again = (other) =>
        one.text === other.text && Math.hypot(one.x - other.x, one.y - other.y) * scale < 2 * SQUARE_PX;
      if (kept.length < MOST && !kept.some((other) => near(other) || again(other))) kept.push(one);
    }
    return kept;
  }
}
