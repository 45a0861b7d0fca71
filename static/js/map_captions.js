// What the parts of the map are called: each colour of the legend where its songs lie thickest, larger where it has more of
// them; nearer, the labels of that kind that tell a crowd of songs from all others too; where few songs are in sight, the songs, beside
// their dots. A crowd is what lies in a square of the screen, so that looking closer names smaller ones.

const SQUARE_PX = 170;
const FINE_PX = 40;
const FEWEST = 4;
const LEAST_SHARE = 0.4;
const MOST = 14;
const ALONE = 40;
const NEARER = 1.5;
const SIZES = [12, 22];
const LETTER = 0.62;
const LINE = 1.3;
const LONGEST = 24;

export class Captions {
  constructor(map) {
    this.map = map;
    this.points = map.points;
    this.shown = [];
    this.overall = new Map();
    for (let i = 0; i < this.points.length; i += 1)
      for (const label of this.points.labelsOf(i)) this.overall.set(label, (this.overall.get(label) || 0) + 1);
  }

  // Whether songs are so few that each is named.
  names(songs) {
    return songs.length <= ALONE;
  }

  // Name the songs that are in sight; of a few it is said what they are called, as soon as the server has told.
  name(songs) {
    const before = JSON.stringify(this.shown);
    this.shown = this.names(songs) ? this.#titles(songs) : this.#labels(songs);
    if (JSON.stringify(this.shown) !== before) this.map.draw();
  }

  #labels(songs) {
    const { view, fitting, legend } = this.map;
    const kept = [];
    const groups = [...this.#coloured(songs)].sort(([, one], [, other]) => other.length - one.length);
    for (const [label, those] of groups) this.#keep(kept, label, those);
    if (view.scale > NEARER * fitting && legend.lit < 0)
      for (const [label, those] of this.#crowds(songs)) this.#keep(kept, label, those);
    return kept;
  }

  // The songs of each colour of the legend; where a label is lit up, all songs are of that one.
  #coloured(songs) {
    const { legend } = this.map;
    if (legend.lit >= 0) return new Map([[legend.lit, songs]]);
    return grouped(songs, (i) => (legend.colourOf.has(legend.own[i]) ? [legend.own[i]] : []));
  }

  // For each crowd the label that most sets it apart, and its songs; the largest first.
  #crowds(songs) {
    const { points } = this;
    const side = this.#side(SQUARE_PX);
    const squares = grouped(songs, (i) => [`${Math.floor(points.x[i] / side)} ${Math.floor(points.y[i] / side)}`]);
    const told = [...squares.values()].map((inside) => this.#telling(inside)).filter(Boolean);
    return told.sort(([, one], [, other]) => other.length - one.length);
  }

  // Nothing where no label is on enough of the songs.
  #telling(songs) {
    const { points, overall, map } = this;
    let best = null;
    let most = 0;
    for (const [label, those] of grouped(songs, (i) => points.labelsOf(i).filter(map.legend.isColoured))) {
      const share = those.length / songs.length;
      const lift = share * Math.log(1 + (those.length / overall.get(label)) * (points.length / songs.length));
      if (share >= LEAST_SHARE && those.length >= FEWEST && lift > most) [best, most] = [[label, those], lift];
    }
    return best;
  }

  // So many CSS pixels on the map: a power of two, so that squares stay while the map is moved or zoomed a little.
  #side(pixels) {
    const { points } = this;
    return (pixels / 2 ** Math.round(Math.log2(this.map.view.scale * points.width))) * points.width;
  }

  // Write a label where its songs lie thickest; where another name is there, at the next thick place, or a line off.
  #keep(kept, label, songs) {
    const { scale } = this.map.view;
    if (songs.length < FEWEST || kept.length >= MOST) return;
    const { name: text } = this.points.labels[label];
    const size = Math.min(SIZES[1], SIZES[0] + 2 * Math.log2(songs.length / FEWEST));
    const half = (LETTER * size * text.length) / 2;
    const over = (x, y) => (other) =>
      Math.abs(x - other.x) * scale < half + (LETTER * other.size * other.text.length) / 2 &&
      Math.abs(y - other.y) * scale < (LINE * (size + other.size)) / 2;
    const again = (x, y) => (other) =>
      text === other.text && Math.hypot(x - other.x, y - other.y) * scale < 2 * SQUARE_PX;
    const thick = this.#thick(songs);
    const off = (LINE * SIZES[1]) / scale;
    const places = [...thick, ...thick.flatMap(([x, y]) => [off, -off].map((by) => [x, y + by]))];
    const free = places.find(([x, y]) => !kept.some(over(x, y)) && !kept.some(again(x, y)));
    if (free) kept.push({ text, x: free[0], y: free[1], size, songs: songs.length });
  }

  // Where songs lie thickest, and after that where they lie half as thick and more: the middle of the songs in three by
  // three squares of a fine grid.
  #thick(songs) {
    const { points } = this;
    const side = this.#side(FINE_PX);
    const at = (i) => [Math.floor(points.x[i] / side), Math.floor(points.y[i] / side)];
    const squares = grouped(songs, (i) => [at(i).join(" ")]);
    const crowds = [...squares.values()].map(([first]) => {
      const [column, row] = at(first);
      return [-1, 0, 1].flatMap((x) => [-1, 0, 1].flatMap((y) => squares.get(`${column + x} ${row + y}`) || []));
    });
    crowds.sort((one, other) => other.length - one.length);
    const mean = (those, column) => those.reduce((sum, i) => sum + column[i], 0) / those.length;
    return crowds
      .filter((those) => 2 * those.length >= crowds[0].length)
      .map((those) => [mean(those, points.x), mean(those, points.y)]);
  }

  #titles(songs) {
    const { known } = this.map.names;
    return songs
      .map((i) => ({ i, title: known.get(this.points.ids[i])?.title }))
      .filter(({ title }) => title)
      .map(({ i, title }) => ({
        text: title.length > LONGEST ? `${title.slice(0, LONGEST - 1)}…` : title,
        x: this.points.x[i],
        y: this.points.y[i],
        size: SIZES[0],
        beside: true,
      }));
  }
}

// What each key has been named by, in the order that they came.
function grouped(songs, keysOf) {
  const groups = new Map();
  for (const i of songs)
    for (const key of keysOf(i)) {
      if (groups.has(key)) groups.get(key).push(i);
      else groups.set(key, [i]);
    }
  return groups;
}
