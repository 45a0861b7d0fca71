// The page Map: <song-map> fetches where the songs lie, draws them, and answers to mouse, finger and keyboard. What is in
// sight, or inside a loop that was drawn, stands beside it as a list to play, queue and keep.

const LEGEND = 7;
const LISTED = 12;
const MOST_TAKEN = 500;
const MOST_SAVED = 500;
const AFTER_A_CLICK = 25;
const AROUND = 24;
const SETTLES_MS = 180;
const HOVERS_MS = 40;
const REACH_MOUSE = 9;
const REACH_FINGER = 22;
const CLICK_MOVES = 5;
const LARGEST_ZOOM = 60;
const ZOOM_STEP = 1.6;
const PAN_STEP = 0.18;
const GLIDE_MS = 180;
const FIT = 0.94;
const WORDS = 3;

const command = (what, detail = {}) => document.dispatchEvent(new CustomEvent("player:do", { detail: { what, ...detail } }));
const counted = (n, what) => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;
const numbers = (text) => new Set((text || "").split(" ").filter(Boolean).map(Number));

class SongMap extends HTMLElement {
  async connectedCallback() {
    this.ending = new AbortController();
    this.part = (name) => this.querySelector(`[data-map-${name}]`);
    this.songs = new Map();
    this.asked = new Map();
    this.fetches = 0;
    this.loop = [];
    this.drawn = false;
    this.selected = [];
    this.hovered = -1;
    this.lit = -1;
    this.kind = "";
    this.playing = document.querySelector("#player:not([hidden]) .player-title")?.getAttribute("href") || "";
    try {
      const [{ Points }, { Drawing, FADED }, packed] = await Promise.all([
        import(this.dataset.points),
        import(this.dataset.drawing),
        this.#fetch(this.dataset.places).then((answer) => answer.arrayBuffer()),
      ]);
      if (!this.isConnected) return;
      this.FADED = FADED;
      this.start(new Points(packed), new Drawing(this.part("canvas")));
    } catch (error) {
      if (error.name === "AbortError" || !this.isConnected) return;
      this.part("loading").className = "soft";
      this.part("loading").textContent = "The map could not be loaded. Reload the page to try again.";
      if (!(error instanceof TypeError || error.status)) throw error;
    }
  }

  disconnectedCallback() {
    this.ending.abort();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.settling);
    clearTimeout(this.hovering);
  }

  async #fetch(address) {
    const answer = await fetch(address, { signal: this.ending.signal });
    if (answer.redirected) location.reload();
    if (!answer.ok) throw Object.assign(new Error(String(answer.status)), { status: answer.status });
    return answer;
  }

  start(points, drawing) {
    this.points = points;
    this.drawing = drawing;
    this.liked = numbers(this.dataset.liked);
    this.refused = numbers(this.dataset.refused);
    this.ringed = [...this.liked].map((id) => points.find(id)).filter((i) => i >= 0);
    this.pale = new Uint8Array(points.length);
    for (const id of this.refused) if (points.find(id) >= 0) this.pale[points.find(id)] = 1;
    this.tone = new Uint8Array(points.length);
    this.part("loading").remove();
    this.part("tools").hidden = false;
    this.part("songs").hidden = false;
    this.#offerLabels();
    this.#colourBy("");
    this.#readColours();
    this.whole(false);
    this.#listen();
    this.#settle();
    this.dataset.ready = "";
  }

  // --- Colours and labels -------------------------------------------------------------------------

  #offerLabels() {
    const { labels } = this.points;
    const kinds = [...new Set(labels.map(({ kind }) => kind))];
    for (const option of [...this.part("kind").options]) if (option.value && !kinds.includes(option.value)) option.remove();
    const names = labels.map(({ name }, label) => ({ name, label })).sort((one, other) => one.name.localeCompare(other.name));
    this.part("label").append(...names.map(({ name, label }) => new Option(name, label)));
  }

  // The legend has the labels that are the strongest of most songs, of one kind or of any.
  #colourBy(kind) {
    this.kind = kind;
    const { points } = this;
    const counts = new Map();
    this.own = new Int16Array(points.length);
    for (let i = 0; i < points.length; i += 1) {
      this.own[i] = points.labelOf(i, kind);
      if (this.own[i] >= 0) counts.set(this.own[i], (counts.get(this.own[i]) || 0) + 1);
    }
    this.legend = [...counts].sort((one, other) => other[1] - one[1]).slice(0, LEGEND);
    const keys = this.legend.map(([label, songs], place) => this.#key(label, songs, place + 1));
    const others = points.length - this.legend.reduce((sum, [, songs]) => sum + songs, 0);
    if (others) keys.push(this.#key(-1, others, 0));
    this.part("legend").replaceChildren(...keys);
    this.#tones();
  }

  #key(label, songs, place) {
    const item = this.part(label < 0 ? "other" : "key").content.firstElementChild.cloneNode(true);
    item.querySelector(".map-swatch").classList.add(`map-colour-${place}`);
    if (label >= 0) item.querySelector(".map-key-name").textContent = this.points.labels[label].name;
    item.querySelector(".chip-said").textContent = counted(songs, "song");
    if (label >= 0) item.querySelector("button").dataset.label = label;
    return item;
  }

  #tones() {
    const { points, lit } = this;
    const place = new Map(this.legend.map(([label], k) => [label, k + 1]));
    for (let i = 0; i < points.length; i += 1) {
      const shows = !this.pale[i] && (lit < 0 || points.has(i, lit));
      this.tone[i] = shows ? place.get(this.own[i]) || 0 : this.FADED;
    }
    for (const button of this.part("legend").querySelectorAll("[data-label]")) button.setAttribute("aria-pressed", String(Number(button.dataset.label) === lit));
    this.part("label").value = lit < 0 ? "" : String(lit);
  }

  #light(label) {
    this.lit = label === this.lit ? -1 : label;
    this.#tones();
    this.#chosen();
    this.draw();
    this.#settle();
  }

  #readColours() {
    const of = (name) => getComputedStyle(this.part("colours").querySelector(`.map-${name}`)).color;
    const dots = Array.from({ length: LEGEND + 1 }, (_, place) => of(`colour-${place}`));
    this.drawing.paint({ ground: of("ground"), text: of("text"), accent: of("accent"), faded: of("faded"), dots });
  }

  // Whether a song counts for what is chosen: neither refused nor without the label that is lit up.
  #counts = (i) => this.tone[i] !== this.FADED;

  // --- The view -----------------------------------------------------------------------------------

  whole(glides = true) {
    const { canvas } = this.drawing;
    const { points } = this;
    const spread = (column) => {
      let low = Infinity;
      let high = -Infinity;
      for (let i = 0; i < points.length; i += 1) {
        low = Math.min(low, column[i]);
        high = Math.max(high, column[i]);
      }
      return points.length ? [low, high] : [0, points.width];
    };
    const [left, right] = spread(points.x);
    const [top, bottom] = spread(points.y);
    const room = (have, want) => (FIT * have) / Math.max(want, points.width / 50);
    this.fitting = Math.min(room(canvas.clientWidth, right - left), room(canvas.clientHeight, bottom - top));
    this.#go({ x: (left + right) / 2, y: (top + bottom) / 2, scale: this.fitting }, glides);
  }

  #go(view, glides) {
    cancelAnimationFrame(this.gliding);
    if (!glides || matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.view = view;
      this.moved();
      return;
    }
    const from = this.view;
    const begun = performance.now();
    const step = (now) => {
      const part = Math.min(1, (now - begun) / GLIDE_MS);
      const eased = part * (2 - part);
      const between = (one, other) => one + (other - one) * eased;
      this.view = { x: between(from.x, view.x), y: between(from.y, view.y), scale: from.scale * (view.scale / from.scale) ** eased };
      this.moved();
      if (part < 1 && this.isConnected) this.gliding = requestAnimationFrame(step);
    };
    this.gliding = requestAnimationFrame(step);
  }

  // Zoom so that what is under a place of the canvas stays under it.
  zoom(by, x = this.drawing.canvas.clientWidth / 2, y = this.drawing.canvas.clientHeight / 2, glides = false) {
    const scale = Math.min(LARGEST_ZOOM * this.fitting, Math.max(this.fitting / 2, this.view.scale * by));
    const here = this.place(x, y);
    const { clientWidth, clientHeight } = this.drawing.canvas;
    this.#go({ x: here[0] - (x - clientWidth / 2) / scale, y: here[1] - (y - clientHeight / 2) / scale, scale }, glides);
  }

  pan(x, y, glides = false) {
    const { width } = this.points;
    const inside = (value) => Math.min(width, Math.max(0, value));
    this.#go({ ...this.view, x: inside(this.view.x - x / this.view.scale), y: inside(this.view.y - y / this.view.scale) }, glides);
  }

  // The place of the map under a place of the canvas, in CSS pixels.
  place(x, y) {
    const { clientWidth, clientHeight } = this.drawing.canvas;
    return [this.view.x + (x - clientWidth / 2) / this.view.scale, this.view.y + (y - clientHeight / 2) / this.view.scale];
  }

  get radius() {
    const crowd = Math.sqrt(3000 / Math.max(300, this.points.length));
    return Math.min(7, Math.max(1.4, 3.2 * crowd) * Math.sqrt(this.view.scale / this.fitting) ** 0.8);
  }

  moved() {
    this.draw();
    this.#settle();
  }

  // However often it is asked for, once a frame.
  draw() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      if (!this.isConnected) return;
      const marks = [];
      const playing = this.points.find(this.#idOf(this.playing));
      if (playing >= 0) marks.push({ song: playing, colour: "accent", wide: 5 });
      if (this.hovered >= 0) marks.push({ song: this.hovered, colour: "text", wide: 3 });
      const { points, view, tone, ringed, radius, loop } = this;
      this.drawing.draw({ points, view, tone, ringed, radius, marks, loop });
      this.#placeCard();
    });
  }

  // What costs more than drawing waits until the map stands still.
  #settle() {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => {
      const { clientWidth, clientHeight } = this.drawing.canvas;
      const [left, top] = this.place(0, 0);
      const [right, bottom] = this.place(clientWidth, clientHeight);
      this.selected = this.drawn ? this.points.within(this.loop, this.#counts) : this.points.inside(left, top, right, bottom, this.#counts);
      this.#list();
    }, SETTLES_MS);
  }

  // --- What songs are called ------------------------------------------------------------------------

  #idOf = (address) => Number(address.match(/(\d+)\/$/)?.[1]);

  // Songs as the player takes them; those that are gone by now leave the map, and the answer.
  async named(songs) {
    const missing = songs.map((i) => this.points.ids[i]).filter((id) => !this.songs.has(id) && !this.asked.has(id));
    for (let k = 0; k < missing.length; k += Number(this.dataset.atOnce)) {
      const some = missing.slice(k, k + Number(this.dataset.atOnce));
      this.fetches += 1;
      const answer = this.#fetch(`${this.dataset.songs}?songs=${some.join(",")}`).then((reply) => reply.json());
      const done = answer.then(({ songs: found }) => {
        for (const song of found) this.songs.set(song.id, song);
        for (const id of some) if (!this.songs.has(id)) this.points.gone[this.points.find(id)] = 1;
      });
      for (const id of some) this.asked.set(id, done);
      done.catch(() => {}).finally(() => some.forEach((id) => this.asked.delete(id)));
    }
    await Promise.all(songs.map((i) => this.asked.get(this.points.ids[i])));
    const found = songs.filter((i) => this.songs.has(this.points.ids[i]));
    return found.map((i) => {
      const { song, title, artist, cover, seconds } = this.songs.get(this.points.ids[i]);
      const why = this.points.namesOf(i, WORDS).join(", ");
      return { place: i, dataset: { song, title, artist, cover, seconds: String(seconds), why } };
    });
  }

  async #try(work) {
    try {
      return await work();
    } catch (error) {
      if (error.name === "AbortError" || !this.isConnected) return null;
      this.say("That did not work: the server cannot be reached, or refused it.");
      if (!(error instanceof TypeError || error.status)) throw error;
      return null;
    }
  }

  say(text) {
    this.part("said").textContent = text;
  }

  // --- The list, and what is done with it -----------------------------------------------------------

  async #list() {
    const songs = this.selected;
    const round = (this.round = (this.round || 0) + 1);
    const what = this.drawn ? "inside the loop" : "in sight";
    const lit = this.lit < 0 ? "" : `, ${this.points.labels[this.lit].name}`;
    this.part("count").textContent = `${counted(songs.length, "song")} ${what}${lit}`;
    this.part("clear").hidden = !this.drawn;
    for (const name of ["play", "add", "save"]) this.part(name).disabled = !songs.length;
    const [x, y] = [this.view.x, this.view.y];
    const first = this.drawn ? this.points.walk(songs, MOST_TAKEN, this.points.find(this.#idOf(this.playing))) : this.points.byDistance([...songs], x, y);
    const named = await this.#try(() => this.named(first.slice(0, LISTED)));
    if (!named || round !== this.round) return;
    const list = this.part("list");
    const focused = list.contains(document.activeElement) ? document.activeElement.closest("[data-song]")?.dataset.song : "";
    list.replaceChildren(...named.map((song) => this.#line(song)));
    htmx.process(list);
    if (focused) list.querySelector(`[data-song="${focused}"] [data-play]`)?.focus({ preventScroll: true });
    const more = songs.length - named.length;
    this.part("more").textContent = more > 0 ? `and ${counted(more, "more song").replace("songs", "songs")}` : "";
    const cut = songs.length > MOST_TAKEN ? ` At most ${MOST_TAKEN} at once are taken, those nearest to the middle.` : "";
    this.part("order").textContent = songs.length > 1 ? `They are played as a walk, each next to the last.${cut}` : "";
    this.part("nothing").hidden = songs.length > 0;
    this.part("nothing").textContent = this.drawn ? "No song is inside the loop." : "No song is in sight here. Move or zoom out.";
  }

  #line({ place, dataset }) {
    const line = this.part("line").content.firstElementChild.cloneNode(true);
    Object.assign(line.dataset, dataset);
    line.dataset.place = place;
    const playing = dataset.song === this.playing;
    line.toggleAttribute("data-current", playing);
    line.toggleAttribute("data-playing", playing && !document.querySelector("#player audio").paused);
    line.querySelector("[data-play]").setAttribute("aria-label", `Play ${dataset.title}`);
    line.querySelector(".song-line-title").textContent = dataset.title;
    line.querySelector(".song-line-title").href = dataset.song;
    line.querySelector(".song-line-by").textContent = dataset.artist || "Unknown artist";
    line.querySelector(".song-line-why").textContent = dataset.why;
    line.querySelector("[data-more]").setAttribute("aria-label", `More for ${dataset.title}`);
    const tone = this.tone[place];
    line.querySelector(".map-swatch").classList.add(`map-colour-${tone === this.FADED ? 0 : tone}`);
    return line;
  }

  // What is chosen, as a walk that begins with the song that plays, if it is among them.
  #walk(most) {
    return this.points.walk(this.selected, most, this.points.find(this.#idOf(this.playing)));
  }

  async take(next) {
    const songs = await this.#try(() => this.named(this.#walk(MOST_TAKEN)));
    if (!songs?.length) return;
    command(next, { songs });
    this.say(next === "play" ? `${counted(songs.length, "song")}, as a walk over the map.` : `${counted(songs.length, "song")} put into the queue.`);
  }

  save() {
    const songs = this.#walk(MOST_SAVED).map((i) => ({ song: this.dataset.song.replace("/0/", `/${this.points.ids[i]}/`) }));
    const name = this.lit < 0 ? "From the map" : `${this.points.labels[this.lit].name}, from the map`;
    document.dispatchEvent(new CustomEvent("playlist:choose", { detail: { songs, name } }));
  }

  // A song, and then those beside it.
  async play(i) {
    const beside = this.points.around(this.points.x[i], this.points.y[i], AFTER_A_CLICK, (other) => other !== i && this.#counts(other));
    const songs = await this.#try(() => this.named([i, ...beside]));
    if (songs?.length) command("play", { songs });
  }

  // --- The card of the song under the pointer ---------------------------------------------------------

  hover(i, said = "") {
    if (i === this.hovered) return;
    this.hovered = i;
    this.draw();
    const card = this.part("card");
    clearTimeout(this.hovering);
    if (i < 0) {
      card.hidden = true;
      return;
    }
    const show = async () => {
      // Those around are likely to be next.
      const around = this.songs.has(this.points.ids[i]) ? [] : this.points.around(this.points.x[i], this.points.y[i], AROUND, () => true);
      const [song] = (await this.#try(() => this.named([i, ...around.filter((other) => other !== i)]).then((found) => found.filter(({ place }) => place === i)))) || [];
      if (this.hovered !== i) return;
      if (!song) {
        this.hover(-1);
        this.draw();
        return;
      }
      card.querySelector(".map-card-title").textContent = song.dataset.title;
      card.querySelector(".map-card-by").textContent = song.dataset.artist || "Unknown artist";
      const labels = song.dataset.why || "no label that tells it from others";
      card.querySelector(".map-card-labels").textContent = this.refused.has(this.points.ids[i]) ? `${labels} · not for you` : labels;
      card.querySelector(".map-card-how").textContent = said;
      card.hidden = false;
      this.#placeCard();
    };
    if (this.songs.has(this.points.ids[i])) show();
    else this.hovering = setTimeout(show, HOVERS_MS);
  }

  #placeCard() {
    const card = this.part("card");
    if (card.hidden || this.hovered < 0) return;
    const { clientWidth, clientHeight } = this.drawing.canvas;
    const x = (this.points.x[this.hovered] - this.view.x) * this.view.scale + clientWidth / 2;
    const y = (this.points.y[this.hovered] - this.view.y) * this.view.scale + clientHeight / 2;
    const { offsetWidth, offsetHeight } = card;
    const above = y - offsetHeight - 14;
    const at = [Math.max(8, Math.min(x - offsetWidth / 2, clientWidth - offsetWidth - 8)), above > 8 ? above : Math.min(y + 14, clientHeight - offsetHeight - 8)];
    card.style.translate = `${Math.round(at[0])}px ${Math.round(at[1])}px`;
  }

  // The song in the middle, for who goes by keyboard.
  #aim() {
    const reach = Math.max(60, this.drawing.canvas.clientWidth / 6) / this.view.scale;
    this.hover(this.points.nearest(this.view.x, this.view.y, reach), "Enter plays it");
  }

  // --- Mouse, finger, keyboard ------------------------------------------------------------------------

  #listen() {
    const { signal } = this.ending;
    const { canvas } = this.drawing;
    const on = (target, events, answer, options = {}) => events.split(" ").forEach((name) => target.addEventListener(name, answer, { signal, ...options }));
    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    this.pointers = new Map();
    on(canvas, "pointerdown", (event) => this.#down(event, at(event)));
    on(canvas, "pointermove", (event) => this.#move(event, at(event)));
    on(canvas, "pointerup pointercancel", (event) => this.#up(event, at(event)));
    on(canvas, "pointerleave", (event) => event.pointerType === "mouse" && !this.pointers.size && this.hover(-1));
    on(canvas, "wheel", (event) => {
      event.preventDefault();
      const lines = event.deltaMode ? 30 : 1;
      this.zoom(Math.exp(-Math.max(-120, Math.min(120, event.deltaY * lines)) * (event.ctrlKey ? 0.01 : 0.003)), ...at(event));
    }, { passive: false });
    on(canvas, "keydown", (event) => this.#key_(event));
    on(canvas, "blur", () => this.hover(-1));
    on(this, "click", ({ target }) => this.#clicked(target));
    on(this.part("kind"), "change", ({ target }) => {
      this.lit = -1;
      this.#colourBy(target.value);
      this.#readColours();
      this.moved();
    });
    on(this.part("label"), "change", ({ target }) => this.#light(target.value === "" ? this.lit : Number(target.value)));
    // A song of the list, and where it lies.
    on(this.part("list"), "pointerover focusin", ({ target }) => {
      const line = target.closest("[data-place]");
      if (line) this.hover(Number(line.dataset.place));
    });
    on(this.part("list"), "pointerleave focusout", () => this.hover(-1));
    on(document, "player:changed", ({ detail }) => {
      const playing = detail.queue[detail.place]?.song || "";
      if (playing === this.playing) return;
      this.playing = playing;
      this.draw();
    });
    on(document, "keydown", (event) => event.key === "Escape" && (this.drawn || this.mode) && !event.defaultPrevented && this.#stopLoop());
    const repaint = () => {
      this.#readColours();
      this.draw();
    };
    on(matchMedia("(prefers-color-scheme: dark)"), "change", repaint);
    const theme = new MutationObserver(repaint);
    theme.observe(document.documentElement, { attributes: true, attributeFilter: ["class", "data-theme", "style"] });
    const size = new ResizeObserver(() => {
      const { clientWidth, clientHeight } = canvas;
      if (!clientWidth || (Math.round(clientWidth * this.drawing.ratio) === this.drawing.width && Math.round(clientHeight * this.drawing.ratio) === this.drawing.height)) return;
      const before = this.fitting;
      const { view } = this;
      this.drawing.resize();
      this.whole(false);
      if (Math.abs(view.scale / before - 1) > 0.01) this.#go({ ...view, scale: (view.scale / before) * this.fitting }, false);
    });
    size.observe(canvas);
    signal.addEventListener("abort", () => {
      theme.disconnect();
      size.disconnect();
    });
  }

  #down(event, [x, y]) {
    if (event.button) return;
    const { canvas } = this.drawing;
    canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, { x, y, fromX: x, fromY: y, far: false });
    if (this.mode && this.pointers.size === 1) {
      this.drawn = false;
      this.loop = [this.place(x, y)];
      this.hover(-1);
    } else if (this.pointers.size === 2) this.loop = this.drawn ? this.loop : [];
  }

  #move(event, [x, y]) {
    const pointer = this.pointers.get(event.pointerId);
    if (!pointer) {
      if (event.pointerType === "mouse" && !this.mode) this.hover(this.points.nearest(...this.place(x, y), (REACH_MOUSE + this.radius) / this.view.scale));
      return;
    }
    const before = { ...pointer };
    Object.assign(pointer, { x, y, far: pointer.far || Math.hypot(x - pointer.fromX, y - pointer.fromY) > CLICK_MOVES });
    if (this.pointers.size === 2) {
      const [other] = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, one]) => one);
      const [was, is] = [Math.hypot(before.x - other.x, before.y - other.y), Math.hypot(x - other.x, y - other.y)];
      other.far = pointer.far = true;
      this.pan((x - before.x) / 2, (y - before.y) / 2);
      if (was > 0 && is > 0) this.zoom(is / was, (x + other.x) / 2, (y + other.y) / 2);
    } else if (this.mode) {
      this.loop.push(this.place(x, y));
      this.draw();
    } else if (pointer.far) this.pan(x - before.x, y - before.y);
  }

  #up(event, [x, y]) {
    const pointer = this.pointers.get(event.pointerId);
    if (!this.pointers.delete(event.pointerId) || this.pointers.size) return;
    if (this.mode && this.loop.length > 2 && pointer.far) {
      this.drawn = true;
      this.#loopMode(false);
      this.#settle();
      this.draw();
      return;
    }
    if (this.mode) this.loop = [];
    if (pointer.far || event.type === "pointercancel" || this.mode) return;
    const finger = event.pointerType !== "mouse";
    const i = this.points.nearest(...this.place(x, y), ((finger ? REACH_FINGER : REACH_MOUSE) + this.radius) / this.view.scale);
    // A finger hides what it points at: the first tap says what it is.
    if (i >= 0 && finger && i !== this.hovered) this.hover(i, "Tap again to play it");
    else if (i >= 0) this.play(i);
    else this.hover(-1);
  }

  #key_(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { clientWidth, clientHeight } = this.drawing.canvas;
    const steps = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const step = steps[event.key];
    if (step && !event.shiftKey) this.pan(step[0] * PAN_STEP * clientWidth, step[1] * PAN_STEP * clientHeight);
    else if (event.key === "+" || event.key === "=") this.zoom(ZOOM_STEP);
    else if (event.key === "-") this.zoom(1 / ZOOM_STEP);
    else if (event.key === "0" || event.key === "Home") this.whole(false);
    else if (event.key === "Enter") {
      if (this.hovered >= 0) this.play(this.hovered);
    } else return;
    event.preventDefault();
    if (event.key !== "Enter") this.#aim();
  }

  #clicked(target) {
    const button = target.closest("button");
    if (!button) return;
    if (button.dataset.label !== undefined) this.#light(Number(button.dataset.label));
    else if (button === this.part("in")) this.zoom(ZOOM_STEP, undefined, undefined, true);
    else if (button === this.part("out")) this.zoom(1 / ZOOM_STEP, undefined, undefined, true);
    else if (button === this.part("whole")) this.whole();
    else if (button === this.part("loop")) this.mode ? this.#stopLoop() : this.#loopMode(true);
    else if (button === this.part("clear")) this.#stopLoop();
    else if (button === this.part("play")) this.take("play");
    else if (button === this.part("add")) this.take("add");
    else if (button === this.part("save")) this.save();
  }

  #loopMode(on) {
    this.mode = on;
    if (on) {
      this.drawn = false;
      this.loop = [];
      this.hover(-1);
      this.draw();
      this.#settle();
    }
    this.toggleAttribute("data-looping", on);
    this.part("loop").setAttribute("aria-pressed", String(on));
    this.say(on ? "Draw around the songs you want, with the mouse or a finger." : "");
  }

  #stopLoop() {
    this.#loopMode(false);
    this.drawn = false;
    this.loop = [];
    this.draw();
    this.#settle();
  }

  #chosen() {
    this.say(this.lit < 0 ? "" : `Only songs with ${this.points.labels[this.lit].name} are lit.`);
  }
}

customElements.define("song-map", SongMap);
