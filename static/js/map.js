// The page Map: <song-map> fetches where the songs lie, and shows them. Its other modules, which say at their top what
// they do, are named by the page, under names that browsers may keep.

import { artistsFrom, showArtists } from "./artists.js";

const AFTER_A_CLICK = 25;
const AROUND = 24;
const SETTLES_MS = 180;
const HOVERS_MS = 40;
// No farther than a mouse reaches from a song (map_pointing.js): whoever goes to the card stays with the song.
const CARD_AWAY = 9;
const LARGEST_ZOOM = 60;
const BUTTON_ZOOM = 1.8;
const GLIDE_MS = 180;
const FIT = 0.92;
const WORDS = 3;
const MODULES = ["points", "names", "legend", "drawing", "captions", "pointing", "list"];

const numbers = (text) => (text || "").split(" ").filter(Boolean).map(Number);

class SongMap extends HTMLElement {
  async connectedCallback() {
    this.ending = new AbortController();
    this.loop = [];
    this.looping = this.closed = false;
    this.hovered = -1;
    try {
      const [packed, ...modules] = await Promise.all([
        this.#ask(this.dataset.places).then((answer) => answer.arrayBuffer()),
        ...MODULES.map((name) => import(this.dataset[name])),
      ]);
      if (this.isConnected) this.#start(packed, Object.assign({}, ...modules));
    } catch (error) {
      if (!this.#isOver(error)) this.#failed(error);
    }
  }

  disconnectedCallback() {
    this.ending.abort();
    cancelAnimationFrame(this.frame);
    cancelAnimationFrame(this.gliding);
    clearTimeout(this.settling);
    clearTimeout(this.hovering);
  }

  // A part of the page.
  piece(name) {
    return this.querySelector(`[data-map-${name}]`);
  }

  #start(packed, { Points, Names, Legend, Drawing, Captions, Pointing, List, FADED }) {
    this.points = new Points(packed);
    this.names = new Names(this.points, this.dataset.songs, Number(this.dataset.atOnce), (address) =>
      this.#ask(address),
    );
    this.drawing = new Drawing(this.piece("canvas"));
    this.captions = new Captions(this);
    this.list = new List(this);
    const known = (ids) =>
      numbers(ids)
        .map((id) => this.points.find(id))
        .filter((i) => i >= 0);
    this.ringed = known(this.dataset.liked);
    this.pale = new Uint8Array(this.points.length);
    for (const i of known(this.dataset.refused)) this.pale[i] = 1;
    this.legend = new Legend(this, this.pale, FADED);
    this.#nowPlaying(document.querySelector("#player:not([hidden]) .player-title")?.getAttribute("href"));
    this.piece("loading").remove();
    for (const name of ["tools", "songs", "over"]) this.piece(name).hidden = false;
    this.#cover();
    this.#repaint();
    this.whole(false);
    this.#listen(Pointing);
    this.dataset.ready = "";
  }

  // --- What is asked of the server ------------------------------------------------------------------

  async #ask(address) {
    const answer = await fetch(address, { signal: this.ending.signal });
    // The session is over: the page itself leads to the log-in.
    if (answer.redirected) location.reload();
    if (!answer.ok || answer.redirected)
      throw Object.assign(new Error(String(answer.status)), { status: answer.status });
    return answer;
  }

  #isOver(error) {
    return error.name === "AbortError" || !this.isConnected;
  }

  #failed(error) {
    const loading = this.piece("loading");
    if (loading) {
      loading.className = "soft map-loading";
      loading.textContent = "The map could not be loaded. Reload the page to try again.";
    } else this.say("That did not work: the server cannot be reached, or refused it.");
    if (!(error instanceof TypeError || error.status)) throw error;
  }

  // Songs as the player takes them, without those that are gone by now; null where the server does not answer.
  async named(songs) {
    try {
      return await this.names.of(songs, WORDS);
    } catch (error) {
      if (!this.#isOver(error)) this.#failed(error);
      return null;
    }
  }

  say(text) {
    this.piece("said").textContent = text;
  }

  // --- The view -------------------------------------------------------------------------------------

  whole(glides = true) {
    const { canvas } = this.drawing;
    const { left, right, top, bottom } = this.points.bounds;
    const room = (have, want) => (FIT * have) / Math.max(want, this.points.width / 50);
    this.fitting = Math.min(room(canvas.clientWidth, right - left), room(canvas.clientHeight, bottom - top));
    this.#go({ x: (left + right) / 2, y: (top + bottom) / 2, scale: this.fitting }, glides);
  }

  // Zoom so that what is under a place of the canvas stays under it.
  zoom(by, x = this.drawing.canvas.clientWidth / 2, y = this.drawing.canvas.clientHeight / 2, glides = false) {
    const scale = Math.min(LARGEST_ZOOM * this.fitting, Math.max(this.fitting / 2, this.view.scale * by));
    const here = this.place(x, y);
    const { clientWidth, clientHeight } = this.drawing.canvas;
    this.#go(
      { x: here[0] - (x - clientWidth / 2) / scale, y: here[1] - (y - clientHeight / 2) / scale, scale },
      glides,
    );
  }

  pan(x, y) {
    const inside = (value) => Math.min(this.points.width, Math.max(0, value));
    const { view } = this;
    this.#go({ x: inside(view.x - x / view.scale), y: inside(view.y - y / view.scale), scale: view.scale }, false);
  }

  #go(view, glides) {
    cancelAnimationFrame(this.gliding);
    const from = this.view;
    const begun = performance.now();
    const step = (now) => {
      const part = Math.min(1, Math.max(0, now - begun) / GLIDE_MS);
      const between = (one, other) => one + (other - one) * part * (2 - part);
      this.view = {
        x: between(from.x, view.x),
        y: between(from.y, view.y),
        scale: Math.exp(between(Math.log(from.scale), Math.log(view.scale))),
      };
      this.#moved();
      if (part < 1) this.gliding = requestAnimationFrame(step);
    };
    if (glides && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.gliding = requestAnimationFrame(step);
      return;
    }
    this.view = view;
    this.#moved();
  }

  // The place of the map under a place of the canvas, in CSS pixels; and the other way round.
  place(x, y) {
    const { clientWidth, clientHeight } = this.drawing.canvas;
    return [
      this.view.x + (x - clientWidth / 2) / this.view.scale,
      this.view.y + (y - clientHeight / 2) / this.view.scale,
    ];
  }

  onCanvas(i) {
    const { clientWidth, clientHeight } = this.drawing.canvas;
    return [
      (this.points.x[i] - this.view.x) * this.view.scale + clientWidth / 2,
      (this.points.y[i] - this.view.y) * this.view.scale + clientHeight / 2,
    ];
  }

  // Of a dot, in CSS pixels: smaller where there are many, larger nearby.
  get radius() {
    const crowd = Math.sqrt(3000 / Math.max(300, this.points.length));
    return Math.min(7, Math.max(1.3, 2.7 * crowd) * (this.view.scale / this.fitting) ** 0.4);
  }

  #moved() {
    this.draw();
    this.#settle();
  }

  // However often it is asked for, once a frame.
  draw() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      const { points, view, ringed, radius, loop, hovered, playing } = this;
      const marks = [];
      if (playing >= 0) marks.push({ song: playing, colour: "accent", wide: 5 });
      if (hovered >= 0) marks.push({ song: hovered, colour: "text", wide: 3 });
      const { tone } = this.legend;
      this.drawing.draw({ points, view, tone, ringed, radius, marks, loop, captions: this.captions.shown });
      this.#placeCard();
    });
  }

  // What costs more than drawing waits until the map stands still.
  #settle() {
    clearTimeout(this.settling);
    this.settling = setTimeout(async () => {
      const { clientWidth, clientHeight } = this.drawing.canvas;
      const corners = [...this.place(0, 0), ...this.place(clientWidth, clientHeight)];
      const { points, legend } = this;
      const inSight = points.inside(...corners, legend.counts);
      this.captions.name(inSight);
      await this.list.show(this.closed ? points.within(this.loop, legend.counts) : inSight);
      if (this.captions.names(inSight)) await this.named(inSight);
      this.captions.name(inSight);
    }, SETTLES_MS);
  }

  // The buttons over the canvas hide no names.
  #cover() {
    this.drawing.cover([...this.piece("over").children]);
  }

  #repaint() {
    this.drawing.paint(this.legend.colours());
    if (this.view) this.draw();
  }

  #resized() {
    const { canvas, ratio, width, height } = this.drawing;
    const same = Math.round(canvas.clientWidth * ratio) === width && Math.round(canvas.clientHeight * ratio) === height;
    if (same || !canvas.clientWidth) return;
    const { view, fitting } = this;
    this.drawing.resize();
    this.#cover();
    this.whole(false);
    // Who looks at a part of it goes on looking at that part.
    if (Math.abs(view.scale / fitting - 1) > 0.01)
      this.#go({ ...view, scale: (view.scale / fitting) * this.fitting }, false);
  }

  // --- Songs ----------------------------------------------------------------------------------------

  #nowPlaying(address) {
    this.playing = this.points.find(Number((address || "").match(/(\d+)\/$/)?.[1]));
  }

  // A song, and then those beside it.
  async play(i) {
    const { points, legend } = this;
    const beside = points.around(
      points.x[i],
      points.y[i],
      AFTER_A_CLICK,
      (other) => other !== i && legend.counts(other),
    );
    const songs = await this.named([i, ...beside]);
    if (songs?.length) document.dispatchEvent(new CustomEvent("player:do", { detail: { what: "play", songs } }));
  }

  // Say what a song is, in a card beside it; -1 for none.
  hover(i, how = "") {
    if (i === this.hovered) return;
    this.hovered = i;
    this.draw();
    clearTimeout(this.hovering);
    if (i < 0) this.piece("card").hidden = true;
    else this.hovering = setTimeout(() => this.#showCard(i, how), this.names.knows(i) ? 0 : HOVERS_MS);
  }

  // Whoever goes from a song to its card finds it there: its artists lead to their pages.
  leave(to) {
    if (to !== this.drawing.canvas && !this.piece("card").contains(to)) this.hover(-1);
  }

  async #showCard(i, how) {
    // Those around it are likely to be next.
    const { points } = this;
    const around = this.names.knows(i) ? [] : points.around(points.x[i], points.y[i], AROUND, (other) => other !== i);
    const song = (await this.named([i, ...around]))?.find(({ place }) => place === i);
    if (this.hovered !== i) return;
    if (!song) {
      this.hover(-1);
      return;
    }
    const card = this.piece("card");
    const { title, artist, artists, why } = song.dataset;
    const labels = why || "no label that tells it from others";
    card.querySelector(".map-card-title").textContent = title;
    const by = card.querySelector(".map-card-by");
    showArtists(by, { artist: artist || "Unknown artist", artists: artistsFrom(artists) });
    htmx.process(by);
    card.querySelector(".map-card-labels").textContent = this.pale[i] ? `${labels} · not for you` : labels;
    card.querySelector(".map-card-how").textContent = how;
    card.hidden = false;
    this.#placeCard();
  }

  #placeCard() {
    const card = this.piece("card");
    if (card.hidden || this.hovered < 0) return;
    const { clientWidth, clientHeight } = this.drawing.canvas;
    const [x, y] = this.onCanvas(this.hovered);
    const left = Math.max(8, Math.min(x - card.offsetWidth / 2, clientWidth - card.offsetWidth - 8));
    const above = y - card.offsetHeight - CARD_AWAY;
    const top = above > 8 ? above : Math.min(y + CARD_AWAY, clientHeight - card.offsetHeight - 8);
    card.style.translate = `${Math.round(left)}px ${Math.round(top)}px`;
  }

  // The song in the middle, for who goes by keyboard.
  aim() {
    const reach = Math.max(60, this.drawing.canvas.clientWidth / 6) / this.view.scale;
    this.hover(this.points.nearest(this.view.x, this.view.y, reach), "Enter plays it");
  }

  // --- The loop -------------------------------------------------------------------------------------

  #loopMode(on) {
    this.looping = on;
    this.toggleAttribute("data-looping", on);
    this.piece("loop").setAttribute("aria-pressed", String(on));
    this.say(on ? "Draw around the songs you want, with the mouse or a finger." : "");
    this.dropLoop();
  }

  beginLoop(place) {
    this.dropLoop();
    this.loop = [place];
    this.hover(-1);
  }

  drawLoop(place) {
    if (!this.loop.length) return;
    this.loop.push(place);
    this.draw();
  }

  closeLoop() {
    const { loop } = this;
    this.#loopMode(false);
    this.loop = loop;
    this.closed = loop.length > 2;
    this.#moved();
  }

  dropLoop() {
    this.loop = [];
    this.closed = false;
    this.#moved();
  }

  // --- What is heard --------------------------------------------------------------------------------

  #listen(Pointing) {
    const { signal } = this.ending;
    const { canvas } = this.drawing;
    const on = (target, names, answer) =>
      names.split(" ").forEach((name) => target.addEventListener(name, answer, { signal }));
    new Pointing(this, signal);
    on(canvas, "blur", ({ relatedTarget }) => this.leave(relatedTarget));
    on(this.piece("card"), "pointerleave focusout", ({ pointerType, relatedTarget }) => {
      if (pointerType !== "touch") this.leave(relatedTarget);
    });
    on(this, "click", ({ target }) => this.#clicked(target.closest("button")));
    on(this.piece("kind"), "change", ({ target }) => {
      this.legend.colourBy(target.value);
      this.#moved();
    });
    on(this.piece("label"), "change", ({ target }) => this.#light(target.value === "" ? -1 : Number(target.value)));
    // A song of the list shows where it lies.
    on(this.piece("list"), "pointerover focusin", ({ target }) =>
      this.hover(Number(target.closest("[data-place]")?.dataset.place ?? -1)),
    );
    on(this.piece("list"), "pointerleave focusout", () => this.hover(-1));
    on(document, "player:changed", ({ detail }) => {
      this.#nowPlaying(detail.queue[detail.place]?.song);
      this.draw();
    });
    on(document, "keydown", (event) => {
      const meant = !event.defaultPrevented && !document.querySelector("dialog[open]");
      if (event.key === "Escape" && (this.looping || this.closed) && meant) this.#loopMode(false);
    });
    on(matchMedia("(prefers-color-scheme: dark)"), "change", () => this.#repaint());
    const theme = new MutationObserver(() => this.#repaint());
    theme.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    const size = new ResizeObserver(() => this.#resized());
    size.observe(canvas);
    on(signal, "abort", () => {
      theme.disconnect();
      size.disconnect();
    });
  }

  #clicked(button) {
    if (!button) return;
    const answers = {
      in: () => this.zoom(BUTTON_ZOOM, undefined, undefined, true),
      out: () => this.zoom(1 / BUTTON_ZOOM, undefined, undefined, true),
      whole: () => this.whole(),
      loop: () => this.#loopMode(!this.looping),
      clear: () => this.#loopMode(false),
      play: () => this.list.play(),
      add: () => this.list.add(),
      save: () => this.list.save(),
    };
    const name = Object.keys(answers).find((one) => button === this.piece(one));
    if (name) answers[name]();
    else if (button.dataset.label) this.#light(Number(button.dataset.label));
  }

  #light(label) {
    // What was tapped before may be pale now, and its card would hide what is lit.
    this.hover(-1);
    this.legend.light(label === this.legend.lit ? -1 : label);
    this.say(this.legend.litName && `Only songs with ${this.legend.litName} are lit.`);
    this.#moved();
  }
}

customElements.define("song-map", SongMap);
