// What the colours of the map mean, and which songs are lit: a legend of the labels that are the strongest of most songs.

const LEGEND = 7;
const GENRE = "genre";

const counted = (n) => `${n.toLocaleString("en")} song${n === 1 ? "" : "s"}`;

export class Legend {
  constructor(map, pale, FADED) {
    this.map = map;
    this.pale = pale;
    this.FADED = FADED;
    this.points = map.points;
    this.lit = -1;
    // For each song its colour: a place in the legend from 1 on, 0 for none, FADED for pale.
    this.tone = new Uint8Array(this.points.length);
    this.own = new Int16Array(this.points.length);
    const kinds = this.#offer();
    this.map.piece("kind").value = kinds.has(GENRE) ? GENRE : "";
    this.colourBy(this.map.piece("kind").value);
  }

  get litName() {
    return this.lit < 0 ? "" : this.points.labels[this.lit].name;
  }

  // Whether a song counts for what is chosen: neither refused nor without the label that is lit up.
  counts = (i) => this.tone[i] !== this.FADED;

  // Whether a label is of the kind that the map is coloured by.
  isColoured = (label) => !this.kind || this.points.labels[label].kind === this.kind;

  #offer() {
    const { labels } = this.points;
    const kinds = new Set(labels.map(({ kind }) => kind));
    for (const option of [...this.map.piece("kind").options])
      if (option.value && !kinds.has(option.value)) option.remove();
    const names = labels
      .map(({ name }, label) => ({ name, label }))
      .sort((one, other) => one.name.localeCompare(other.name));
    this.map.piece("label").append(...names.map(({ name, label }) => new Option(name, label)));
    return kinds;
  }

  // Colour by the strongest label of a kind, "" for any; a song whose strongest one has no colour takes that of its next.
  colourBy(kind) {
    const { points, own } = this;
    this.kind = kind;
    for (let i = 0; i < points.length; i += 1) own[i] = points.labelOf(i, kind);
    const coloured = new Set(this.#counts().map(([label]) => label));
    for (let i = 0; i < points.length; i += 1)
      if (!coloured.has(own[i]))
        own[i] = points.labelsOf(i).find((label) => coloured.has(label) && this.isColoured(label)) ?? -1;
    const most = this.#counts();
    this.colourOf = new Map(most.map(([label], place) => [label, place + 1]));
    const others = most.reduce((left, [, songs]) => left - songs, points.length);
    const entries = most.map(([label, songs]) => this.#entry(label, songs));
    if (others) entries.push(this.#entry(-1, others));
    this.map.piece("legend").replaceChildren(...entries);
    this.light(-1);
  }

  // The labels that most songs are coloured by, and how many.
  #counts() {
    const counts = new Map();
    for (const label of this.own) if (label >= 0) counts.set(label, (counts.get(label) || 0) + 1);
    return [...counts].sort((one, other) => other[1] - one[1]).slice(0, LEGEND);
  }

  #entry(label, songs) {
    const entry = this.map.piece(label < 0 ? "other" : "key").content.firstElementChild.cloneNode(true);
    entry.querySelector(".map-swatch").classList.add(`map-colour-${this.colourOf.get(label) || 0}`);
    entry.querySelector(".chip-said").textContent = counted(songs);
    if (label >= 0) {
      entry.querySelector(".map-key-name").textContent = this.points.labels[label].name;
      entry.querySelector("button").dataset.label = label;
    }
    return entry;
  }

  // Light up the songs that have a label among their strongest; -1 for all songs.
  light(label) {
    this.lit = label;
    const { points } = this;
    for (let i = 0; i < points.length; i += 1) {
      const shows = !this.pale[i] && (label < 0 || points.has(i, label));
      this.tone[i] = shows ? this.colourOf.get(this.own[i]) || 0 : this.FADED;
    }
    for (const button of this.map.piece("legend").querySelectorAll("[data-label]")) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.label) === label));
    }
    this.map.piece("label").value = label < 0 ? "" : String(label);
  }

  // The colours as the browser computes them, light or dark.
  colours() {
    const of = (name) => getComputedStyle(this.map.piece("colours").querySelector(`.map-${name}`)).color;
    const dots = Array.from({ length: LEGEND + 1 }, (_, place) => of(`colour-${place}`));
    const font = getComputedStyle(this.map).fontFamily;
    return { ground: of("ground"), text: of("text"), accent: of("accent"), faded: of("faded"), dots, font };
  }
}
