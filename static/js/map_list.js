// The songs in sight on the map, or inside its loop, as a list, and what is done with all of them: an ordinary list of
// the page, which the player and the menu of a song know like any other.

import { artistsFrom, showArtists } from "./artists.js";

const LISTED = 12;
const MOST_TAKEN = 500;

const command = (what, detail = {}) =>
  document.dispatchEvent(new CustomEvent("player:do", { detail: { what, ...detail } }));
const counted = (n, what) => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;

export class List {
  constructor(map) {
    this.map = map;
    this.songs = [];
    this.round = 0;
  }

  // As a walk over the map, so that each song sounds like the one before; from the one that plays, if it is among them.
  #walk() {
    return this.map.points.walk(this.songs, MOST_TAKEN, this.map.playing);
  }

  async show(songs) {
    const { map } = this;
    this.songs = songs;
    this.round += 1;
    const { round } = this;
    const where = map.closed ? "inside the loop" : "in sight";
    const lit = map.legend.litName && `, ${map.legend.litName}`;
    map.piece("count").textContent = `${counted(songs.length, "song")} ${where}${lit}`;
    map.piece("clear").hidden = !map.closed;
    for (const name of ["play", "add", "save"]) map.piece(name).disabled = !songs.length;
    map.piece("nothing").hidden = songs.length > 0;
    map.piece("nothing").textContent = map.closed
      ? "No song is inside the loop."
      : "No song is in sight here. Move the map, or zoom out.";
    const first = map.closed ? this.#walk() : map.points.byDistance([...songs], map.view.x, map.view.y);
    const named = await map.named(first.slice(0, LISTED));
    if (!named || round !== this.round) return;
    this.#fill(named);
    const more = songs.length - named.length;
    const cut =
      songs.length > MOST_TAKEN ? ` At most ${MOST_TAKEN} are taken at once, those nearest to the middle.` : "";
    map.piece("more").textContent =
      more > 0
        ? `And ${counted(more, "more song")}. They are played as a walk over the map, each beside the last.${cut}`
        : "";
  }

  #fill(named) {
    const list = this.map.piece("list");
    const focused = list.contains(document.activeElement) && document.activeElement.closest("[data-song]").dataset.song;
    list.replaceChildren(...named.map((song) => this.#line(song)));
    htmx.process(list);
    if (focused) list.querySelector(`[data-song="${focused}"] [data-play]`)?.focus({ preventScroll: true });
  }

  #line({ place, dataset }) {
    const { map } = this;
    const line = map.piece("line").content.firstElementChild.cloneNode(true);
    Object.assign(line.dataset, dataset, { place });
    const plays = place === map.playing;
    const playing = plays && !document.querySelector("#player audio").paused;
    line.toggleAttribute("data-current", plays);
    line.toggleAttribute("data-playing", playing);
    line.querySelector("[data-play]").setAttribute("aria-label", `${playing ? "Pause" : "Play"} ${dataset.title}`);
    line.querySelector(".song-line-title").textContent = dataset.title;
    line.querySelector(".song-line-title").href = dataset.song;
    const about = { artist: dataset.artist || "Unknown artist", artists: artistsFrom(dataset.artists) };
    showArtists(line.querySelector(".song-line-by"), about);
    line.querySelector(".song-line-why").textContent = dataset.why;
    line.querySelector("[data-more]").setAttribute("aria-label", `More for ${dataset.title}`);
    line.querySelector(".map-swatch").classList.add(`map-colour-${map.legend.tone[place]}`);
    return line;
  }

  async play() {
    const songs = await this.map.named(this.#walk());
    if (!songs?.length) return;
    command("play", { songs });
    this.map.say(`${counted(songs.length, "song")}, as a walk over the map.`);
  }

  async add() {
    const songs = await this.map.named(this.#walk());
    if (!songs?.length) return;
    command("add", { songs });
    this.map.say(`${counted(songs.length, "song")} put into the queue.`);
  }

  save() {
    const { map } = this;
    const songs = this.#walk().map((i) => ({ song: map.dataset.song.replace("/0/", `/${map.points.ids[i]}/`) }));
    const name = map.legend.litName ? `${map.legend.litName}, from the map` : "From the map";
    document.dispatchEvent(new CustomEvent("playlist:choose", { detail: { songs, name } }));
  }
}
