// The songs of the map as columns of numbers (packed by recommender/services/song_map.py), and where to find them on the plane.

const CELLS = 96;
const NO_LABEL = 255;

export class Points {
  constructor(packed) {
    const textLength = new DataView(packed).getUint32(0, true);
    const about = JSON.parse(new TextDecoder().decode(new Uint8Array(packed, 4, textLength)));
    const n = about.songs;
    let at = 4 + textLength;
    const column = (Kind, length) => {
      const begin = at;
      at += Kind.BYTES_PER_ELEMENT * length;
      return new Kind(packed, begin, length);
    };
    const steps = column(Uint32Array, n);
    this.length = n;
    this.width = about.width;
    this.x = column(Uint16Array, n);
    this.y = column(Uint16Array, n);
    this.strongest = Array.from({ length: about.per_song }, () => column(Uint8Array, n));
    this.labels = about.labels.map(([name, kind]) => ({ name: name.toLowerCase(), kind }));
    this.ids = new Float64Array(n);
    let id = about.first;
    for (let i = 0; i < n; i += 1) {
      id += steps[i];
      this.ids[i] = id;
    }
    this.gone = new Uint8Array(n);
    this.#sort();
  }

  // Songs by the square of a grid they lie in: those of a square stand together in `order`, from `starts[square]` on.
  #sort() {
    const { length, x, y } = this;
    this.side = (this.width + 1) / CELLS;
    const square = (i) => Math.floor(y[i] / this.side) * CELLS + Math.floor(x[i] / this.side);
    this.starts = new Int32Array(CELLS * CELLS + 1);
    for (let i = 0; i < length; i += 1) this.starts[square(i) + 1] += 1;
    for (let c = 0; c < CELLS * CELLS; c += 1) this.starts[c + 1] += this.starts[c];
    const next = this.starts.slice();
    this.order = new Int32Array(length);
    for (let i = 0; i < length; i += 1) {
      const c = square(i);
      this.order[next[c]] = i;
      next[c] += 1;
    }
  }

  // The least rectangle with all songs in it.
  get bounds() {
    const ends = (column) =>
      column.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [this.width, 0]);
    const [[left, right], [top, bottom]] = [ends(this.x), ends(this.y)];
    return { left, right, top, bottom };
  }

  // Where a song with this number stands; -1 for none.
  find(id) {
    let low = 0;
    let high = this.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (this.ids[middle] === id) return middle;
      if (this.ids[middle] < id) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  // The names of a song's strongest labels, at most so many.
  namesOf(i, most) {
    const names = [];
    for (const column of this.strongest)
      if (column[i] !== NO_LABEL && names.length < most) names.push(this.labels[column[i]].name);
    return names;
  }

  // A song's strongest labels, by number.
  labelsOf(i) {
    return this.strongest.map((column) => column[i]).filter((label) => label !== NO_LABEL);
  }

  // The strongest label of a song that is of a kind ("" for any); -1 for none.
  labelOf(i, kind) {
    for (const column of this.strongest) {
      const label = column[i];
      if (label !== NO_LABEL && (!kind || this.labels[label].kind === kind)) return label;
    }
    return -1;
  }

  has(i, label) {
    return this.strongest.some((column) => column[i] === label);
  }

  // Call `take` with every song whose square meets a rectangle; some of them lie a little outside of it.
  near(left, top, right, bottom, take) {
    const clamp = (value) => Math.min(CELLS - 1, Math.max(0, Math.floor(value / this.side)));
    if (right < 0 || bottom < 0 || left > this.width || top > this.width) return;
    const first = clamp(left);
    const last = clamp(right);
    for (let row = clamp(top); row <= clamp(bottom); row += 1) {
      const end = this.starts[row * CELLS + last + 1];
      for (let k = this.starts[row * CELLS + first]; k < end; k += 1)
        if (!this.gone[this.order[k]]) take(this.order[k]);
    }
  }

  // The songs in a rectangle that pass a test.
  inside(left, top, right, bottom, test) {
    const found = [];
    this.near(left, top, right, bottom, (i) => {
      if (this.x[i] >= left && this.x[i] <= right && this.y[i] >= top && this.y[i] <= bottom && test(i)) found.push(i);
    });
    return found;
  }

  // The song nearest to a place, not further than so far; -1 for none.
  nearest(x, y, reach) {
    let best = -1;
    let least = reach * reach;
    this.near(x - reach, y - reach, x + reach, y + reach, (i) => {
      const far = (this.x[i] - x) ** 2 + (this.y[i] - y) ** 2;
      if (far <= least) {
        least = far;
        best = i;
      }
    });
    return best;
  }

  // The songs nearest to a place that pass a test, nearest first.
  around(x, y, most, test) {
    for (let reach = 2 * this.side; ; reach *= 2) {
      const found = this.inside(x - reach, y - reach, x + reach, y + reach, test);
      if (found.length >= 2 * most || reach > 2 * this.width) return this.byDistance(found, x, y).slice(0, most);
    }
  }

  // The songs in a loop, a list of places, that pass a test.
  within(loop, test) {
    const xs = loop.map(([x]) => x);
    const ys = loop.map(([, y]) => y);
    return this.inside(
      Math.min(...xs),
      Math.min(...ys),
      Math.max(...xs),
      Math.max(...ys),
      (i) => test(i) && isIn(loop, this.x[i], this.y[i]),
    );
  }

  byDistance(songs, x, y) {
    const far = (i) => (this.x[i] - x) ** 2 + (this.y[i] - y) ** 2;
    return songs.sort((one, other) => far(one) - far(other));
  }

  // At most so many of the songs, those nearest to the middle of all, as a walk from each to the nearest that is left.
  walk(songs, most, from) {
    const mean = (column) => songs.reduce((sum, i) => sum + column[i], 0) / (songs.length || 1);
    const left = this.byDistance([...songs], mean(this.x), mean(this.y)).slice(0, most);
    const first = left.indexOf(from);
    const path = left.splice(Math.max(first, 0), 1);
    while (left.length) {
      const here = path.at(-1);
      let best = 0;
      let least = Infinity;
      for (let k = 0; k < left.length; k += 1) {
        const far = (this.x[left[k]] - this.x[here]) ** 2 + (this.y[left[k]] - this.y[here]) ** 2;
        if (far < least) {
          least = far;
          best = k;
        }
      }
      path.push(left[best]);
      left[best] = left.at(-1);
      left.pop();
    }
    return path;
  }
}

function isIn(loop, x, y) {
  let inside = false;
  for (let k = 0, before = loop.length - 1; k < loop.length; before = k, k += 1) {
    const [x1, y1] = loop[k];
    const [x2, y2] = loop[before];
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
  }
  return inside;
}
