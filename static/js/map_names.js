// What songs of the map are called: asked of the server as they are looked at, many at once, and each only once.

export class Names {
  constructor(points, address, atOnce, ask) {
    this.points = points;
    this.address = address;
    this.atOnce = atOnce;
    this.ask = ask;
    this.known = new Map();
    this.asked = new Map();
    this.fetches = 0;
  }

  knows(i) {
    return this.known.has(this.points.ids[i]);
  }

  // Songs as the player takes them; those that are gone by now leave the map, and the answer.
  async of(songs, words) {
    const { points, known, asked } = this;
    const missing = songs.map((i) => points.ids[i]).filter((id) => !known.has(id) && !asked.has(id));
    for (let k = 0; k < missing.length; k += this.atOnce) this.#fetch(missing.slice(k, k + this.atOnce));
    await Promise.all(songs.map((i) => asked.get(points.ids[i])));
    return songs
      .filter((i) => this.knows(i))
      .map((i) => {
        const { song, title, artist, artists, cover, seconds } = known.get(points.ids[i]);
        return {
          place: i,
          dataset: {
            ...{ song, title, artist, artists, cover },
            ...{ seconds: String(seconds), why: points.namesOf(i, words).join(", ") },
          },
        };
      });
  }

  #fetch(ids) {
    this.fetches += 1;
    const done = this.ask(`${this.address}?songs=${ids.join(",")}`)
      .then((answer) => answer.json())
      .then(({ songs }) => {
        for (const song of songs) this.known.set(song.id, song);
        for (const id of ids) if (!this.known.has(id)) this.points.gone[this.points.find(id)] = 1;
      });
    for (const id of ids) this.asked.set(id, done);
    // Whoever waits for it hears of it; asked again, it is tried again.
    done.catch(() => {}).finally(() => ids.forEach((id) => this.asked.delete(id)));
  }
}
