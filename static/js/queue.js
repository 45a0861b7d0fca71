// What is around the player: the queue's panel, the menu behind a song's three dots, "play all", wishes ("more like
// this", "not this"), and the dialog that puts songs into a playlist. Loaded before player.js, which it talks with by
// events.

import { artistsFrom, showArtists } from "./artists.js";
import { setLayer } from "./navigation.js";
import { showFavourite, showRefused } from "./opinions.js";
import { addressOf, numberOf } from "./song_addresses.js";
import { opinionOf } from "./stars.js";

const player = document.getElementById("player");
const panel = document.getElementById("queue");
const list = panel.querySelector(".queue-songs");
const pattern = document.getElementById("queue-song");
const menu = document.getElementById("song-menu");
const dialog = document.getElementById("playlist-dialog");
const choice = document.getElementById("playlist-choice");
const refused = document.getElementById("playlist-refused");
const said = document.getElementById("player-said");
const SAID_FOR_MS = 12_000;
const SCROLLED_AWAY = 60;
// Opened by the cover, and on a phone always, the panel fills the window: cover, words and queue, and what the bar has
// below them.
const onPhone = matchMedia("(max-width: 47.99rem)");
const isFull = () => player.hasAttribute("data-full");
const FULL = "player";

let state = { queue: [], place: -1, goingOn: null };
let asked = null;
let asker = null;
let opener = null;
let saidTimer = 0;
let openedAt = 0;
let wordsOf = "";

export const command = (what, detail = {}) =>
  document.dispatchEvent(new CustomEvent("player:do", { detail: { what, ...detail } }));
const current = () => state.queue[state.place];

// --- Saying what was done -----------------------------------------------------------------------

export function say(...contents) {
  clearTimeout(saidTimer);
  said.replaceChildren(...contents);
  htmx.process(said);
  // Before anything plays only what is said shows of the player.
  if (player.hidden) {
    player.toggleAttribute("data-only-says", true);
    player.hidden = false;
  }
  saidTimer = setTimeout(function rest() {
    // What is being read or about to be taken back stays.
    if (said.matches(":hover, :focus-within")) saidTimer = setTimeout(rest, SAID_FOR_MS);
    else {
      said.replaceChildren();
      player.hidden = player.hasAttribute("data-only-says");
    }
  }, SAID_FOR_MS);
}

export function words(text) {
  const paragraph = document.createElement("p");
  paragraph.textContent = text;
  return paragraph;
}

function keyOf(text, action) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button button-quiet";
  button.textContent = text;
  button.addEventListener("click", action);
  return button;
}

// --- Wishes -------------------------------------------------------------------------------------

export function ask(address, values = {}) {
  const headers = { ...JSON.parse(document.body.getAttribute("hx-headers")), "HX-Request": "true" };
  return fetch(address, { method: "POST", headers, body: new URLSearchParams(values) }).then((answer) => {
    if (answer.redirected) location.reload();
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.text();
  });
}

const failed = () => say(words("That did not work: the server cannot be reached, or refused it."));

async function more(song) {
  try {
    const page = new DOMParser().parseFromString(await ask(addressOf("moreLikeThis", song.song)), "text/html");
    say(...page.body.children);
    command("findAgain");
  } catch {
    failed();
  }
}

async function favour(song, wanted) {
  const address = addressOf("favourite", song.song);
  try {
    await ask(address, { favourite: wanted ? "1" : "0" });
    showFavourite(address, wanted);
    if (wanted)
      say(
        words(`${song.title} is a favourite of yours.`),
        keyOf("Undo", () => favour(song, false)),
      );
    else say(words(`${song.title} is no longer a favourite.`));
  } catch {
    failed();
  }
}

async function refuse(song) {
  const address = addressOf("notThis", song.song);
  try {
    await ask(address, { refused: "1" });
    showRefused(address, true);
    if (song.song === current()?.song) command("next");
    for (const { id, song: address } of [...state.queue]) if (address === song.song) command("remove", { id });
    say(
      words(`${song.title} will not be recommended.`),
      keyOf("Undo", async () => {
        try {
          await ask(address, { refused: "0" });
          showRefused(address, false);
          say(words(`${song.title} may be recommended again.`));
        } catch {
          failed();
        }
      }),
    );
    command("findAgain");
  } catch {
    failed();
  }
}

// A switch: pressed again, the queue ends with what was chosen.
function similar(song) {
  if (state.goingOn) {
    command("noMore");
    say(words("No more songs are added."));
    return;
  }
  command("similar", { song });
  // The queue says it itself.
  if (panel.hidden) say(words(`Songs that sound like ${song.title}, without end.`));
}

function markSimilar() {
  const on = state.goingOn?.song;
  for (const button of document.querySelectorAll("[data-play-similar]"))
    button.setAttribute("aria-pressed", String(button.closest("[data-song]").dataset.song === on));
  panel.querySelector("[data-wish='similar']").setAttribute("aria-pressed", String(Boolean(on)));
}
document.addEventListener("htmx:afterSwap", markSimilar);

// The address of its page. A browser that can neither share nor copy, as on a page without HTTPS, shows it.
async function share(song) {
  const address = new URL(song.song, location.href).href;
  try {
    if (navigator.share) {
      await navigator.share({ title: song.title, url: address });
      return;
    }
    await navigator.clipboard.writeText(address);
    say(words(`The link to ${song.title} is copied.`));
  } catch (reason) {
    // Whoever closed the system's own dialog wants nothing.
    if (reason.name === "AbortError") return;
    const field = document.createElement("input");
    field.readOnly = true;
    field.value = address;
    field.setAttribute("aria-label", `The link to ${song.title}`);
    field.addEventListener("focus", () => field.select());
    say(words(`Copy the link to ${song.title}:`), field);
    field.focus();
  }
}

const wishes = {
  more,
  share,
  keep: (song) => document.dispatchEvent(new CustomEvent("song:keep", { detail: song.element })),
  choose: (song) => document.dispatchEvent(new CustomEvent("song:choose", { detail: song })),
  not: refuse,
  // The buttons of the player show whether it is one, and take it back.
  favourite: (song, button) => favour(song, button?.getAttribute("aria-pressed") !== "true"),
  similar,
  playlist: (song) => choosePlaylist([song]),
};

document.addEventListener("htmx:afterSwap", ({ target }) => {
  if (target === said) command("findAgain");
});

// --- The queue's panel --------------------------------------------------------------------------

function show() {
  const focused = panel.contains(document.activeElement) && document.activeElement.closest("[data-id]");
  const kind = focused && document.activeElement.className;
  const at = focused && [...list.children].indexOf(focused);
  const rows = state.queue.map((song, place) => {
    const row = pattern.content.firstElementChild.cloneNode(true);
    row.dataset.id = song.id;
    row.querySelector(".queue-song-title").textContent = song.title;
    showArtists(row.querySelector(".queue-song-by"), song, song.why && (song.artist ? ` · ${song.why}` : song.why));
    row.querySelector(".queue-play").setAttribute("aria-label", `Play ${song.title}`);
    row.querySelector(".queue-handle").setAttribute("aria-label", `Move ${song.title}`);
    row.querySelector(".queue-remove").setAttribute("aria-label", `Remove ${song.title} from the queue`);
    row.querySelector(".queue-remove").hidden = state.queue.length === 1;
    row.classList.toggle("queue-past", place < state.place);
    row.classList.toggle("queue-goes-on", Boolean(song.goesOn));
    if (place === state.place) row.setAttribute("aria-current", "true");
    return row;
  });
  list.replaceChildren(...rows);
  htmx.process(list);
  const why = panel.querySelector(".queue-why");
  why.textContent = current()?.why || "";
  why.hidden = !why.textContent;
  showLyrics();
  const on = panel.querySelector(".queue-on");
  on.hidden = !state.goingOn;
  on.textContent = state.goingOn ? `Goes on with songs that sound like ${state.goingOn.title}, without end.` : "";
  const bend = panel.querySelector("[data-queue-bend]");
  bend.hidden = !state.goingOn;
  bend.setAttribute("aria-pressed", String(Boolean(state.goingOn?.bent)));
  // The focus stays on its song, or, where that is gone, on the one in its place.
  if (focused) {
    const row = list.querySelector(`[data-id="${focused.dataset.id}"]`) || list.children[Math.min(at, rows.length - 1)];
    row?.getElementsByClassName(kind)[0]?.focus();
  }
}

document.addEventListener("player:changed", ({ detail }) => {
  state = detail;
  // On the page too, while the panel is closed.
  markSimilar();
  if (!panel.hidden) show();
});

// Its own page has them too, so only the lists come from there.
async function showLyrics() {
  const song = current()?.song;
  const part = panel.querySelector(".queue-lyrics");
  if (!song || !isFull() || song === wordsOf) return;
  wordsOf = song;
  part.hidden = true;
  part.lastElementChild.replaceChildren();
  const answer = await fetch(addressOf("lyricsOf", song)).catch(() => null);
  if (song !== wordsOf) return;
  if (!answer?.ok || answer.redirected) {
    wordsOf = "";
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const lists = [...page.querySelectorAll("[data-lyrics]")].map((list) => document.importNode(list, true));
  if (song !== wordsOf) return;
  part.lastElementChild.replaceChildren(...lists);
  part.hidden = !lists.length;
}

// What the panel covers is not to be reached by keyboard or read out.
function coverPage() {
  for (const beside of document.querySelectorAll("#main, .head, .skip-link")) beside.inert = isFull();
}
onPhone.addEventListener("change", () => {
  if (panel.hidden) return;
  hidePanel(false);
  showLyrics();
});

// A link in it leads to a page, which is to be seen, and comes after this one in the history.
document.addEventListener("htmx:confirm", (event) => {
  const { elt, issueRequest } = event.detail;
  if (!isFull() || !elt.matches("#player a")) return;
  event.preventDefault();
  hidePanel(true).then(() => issueRequest());
});

// Back closes it where it fills the window, and the page stays.
document.addEventListener("page:layer", ({ detail }) => {
  if ((detail === FULL) === isFull() || !current()) return;
  openQueue(detail === FULL, true);
});
window.addEventListener("load", () => {
  if (history.state?.layer !== FULL) return;
  if (current()) openQueue(true, true);
  else setLayer(null);
});

function hidePanel(hidden, full = isFull()) {
  panel.hidden = hidden;
  player.toggleAttribute("data-full", !hidden && (full || onPhone.matches));
  coverPage();
  const settled = setLayer(isFull() ? FULL : null);
  for (const toggle of document.querySelectorAll("[data-queue-toggle]"))
    toggle.setAttribute("aria-expanded", String(!hidden));
  return settled;
}

function openQueue(open, full = false) {
  hidePanel(!open, full);
  if (!open) {
    (opener?.checkVisibility() ? opener : document.querySelector("[data-queue-toggle]")).focus();
    return;
  }
  show();
  for (const part of [panel, ...panel.children]) part.scrollTop = 0;
  document.getElementById("queue-title").focus({ preventScroll: true });
  // Only the list moves, so that what is above it stays in sight.
  const at = list.querySelector("[aria-current]");
  if (at) list.scrollTop = at.offsetTop - list.offsetTop - (list.clientHeight - at.clientHeight) / 2;
}

list.addEventListener("click", ({ target }) => {
  const id = Number(target.closest("[data-id]")?.dataset.id);
  if (target.closest(".queue-play")) command("jump", { id });
  else if (target.closest(".queue-remove")) command("remove", { id });
});

list.addEventListener("keydown", (event) => {
  const row = event.target.closest("[data-id]");
  const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!row || !by || !event.target.closest(".queue-handle")) return;
  event.preventDefault();
  command("move", { id: Number(row.dataset.id), to: [...list.children].indexOf(row) + by });
  document.getElementById("announce").textContent =
    `Place ${[...list.children].findIndex((one) => one.dataset.id === row.dataset.id) + 1} of ${list.children.length}`;
});

panel.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  event.preventDefault();
  openQueue(false);
});

// Dragging by the handle, with a mouse, a pen or a finger.
let dragged = null;
list.addEventListener("dragstart", (event) => event.preventDefault());
list.addEventListener("pointerdown", (event) => {
  if (!event.target.closest(".queue-handle") || event.button) return;
  dragged = event.target.closest("[data-id]");
  dragged.classList.add("dragged");
  event.target.closest(".queue-handle").setPointerCapture(event.pointerId);
});
list.addEventListener("pointermove", (event) => {
  if (!dragged) return;
  const over = [...list.children].find((row) => {
    const { top, bottom } = row.getBoundingClientRect();
    return row !== dragged && event.clientY > top && event.clientY < bottom;
  });
  if (over) over[[...list.children].indexOf(over) < [...list.children].indexOf(dragged) ? "before" : "after"](dragged);
});
for (const end of ["pointerup", "pointercancel"]) {
  list.addEventListener(end, () => {
    if (!dragged) return;
    dragged.classList.remove("dragged");
    const to = [...list.children].indexOf(dragged);
    const id = Number(dragged.dataset.id);
    dragged = null;
    command("move", { id, to });
    show();
  });
}

// --- Playlists ----------------------------------------------------------------------------------

export function choosePlaylist(songs, name = "") {
  const values = { song: songs.map(({ song }) => numberOf(song)), name };
  refused.textContent = "";
  choice.replaceChildren();
  asker = document.activeElement;
  dialog.showModal();
  htmx.ajax("POST", dialog.dataset.choose, { source: choice, target: choice, swap: "innerHTML", values });
}

// What is no element of the page: the songs of the map.
document.addEventListener("playlist:choose", ({ detail }) => choosePlaylist(detail.songs, detail.name));

dialog.addEventListener("close", () => asker?.isConnected && asker.focus());
dialog.addEventListener("click", (event) => {
  if (event.target === dialog || event.target.closest("[data-dialog-close], a")) dialog.close();
});
dialog.addEventListener("htmx:responseError", ({ detail }) => {
  refused.textContent = detail.xhr.getResponseHeader("Content-Type")?.startsWith("text/plain")
    ? detail.xhr.response
    : "That did not work.";
});
dialog.addEventListener("htmx:afterSwap", () => {
  refused.textContent = "";
  choice.querySelector("input:not([type=hidden]), a, button")?.focus();
});

// --- The menu of a song -------------------------------------------------------------------------

function artistLink([name, address]) {
  if (!address) return [];
  const link = document.createElement("a");
  link.href = address;
  link.textContent = `Go to ${name}`;
  return [link];
}

async function showStars(song) {
  const place = menu.querySelector(".song-menu-stars");
  place.replaceChildren();
  const { stars } = await opinionOf(song);
  if (!stars || asked?.song !== song) return;
  stars.classList.add("stars-large");
  place.replaceChildren(stars);
  htmx.process(place);
}

function openMenu(button) {
  const element = button.closest("[data-song]");
  const { song, title, artists, album } = element.dataset;
  asked = { element, song, title };
  menu.querySelector(".song-menu-title").textContent = title;
  menu.querySelector(".song-menu-artists").replaceChildren(...artistsFrom(artists).flatMap(artistLink));
  const toAlbum = menu.querySelector(".song-menu-album");
  toAlbum.href = addressOf("album", song);
  toAlbum.hidden = album === undefined;
  menu.querySelector(".song-menu-download").href = addressOf("download", song);
  htmx.process(menu);
  showStars(song);
  menu.dispatchEvent(new CustomEvent("song:menu", { bubbles: true, detail: asked }));
  menu.showPopover({ source: button });
  placeMenu(button);
  asker = button;
  openedAt = window.scrollY;
  menu.querySelector("button").focus({ preventScroll: true });
}

// Under the button, or over it; where there is room for neither, as far down as it goes.
function placeMenu(button) {
  const at = button.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const lowest = window.innerHeight - height - 8;
  const under = at.bottom <= lowest ? at.bottom : at.top - height >= 8 ? at.top - height : Math.max(8, lowest);
  menu.style.inset = `${under}px auto auto ${Math.max(8, Math.min(at.right - width, window.innerWidth - width - 8))}px`;
}

// It grows by what is found out meanwhile.
new ResizeObserver(() => menu.matches(":popover-open") && asker && placeMenu(asker)).observe(menu);

menu.addEventListener("keydown", (event) => {
  const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  // Among the stars arrow keys choose.
  if (!by || event.target.matches("input")) return;
  event.preventDefault();
  const keys = [...menu.querySelectorAll(":is(button, a):not([hidden])")];
  keys.at((keys.indexOf(document.activeElement) + by) % keys.length).focus();
});

// On another page there is no song that they were opened for.
window.addEventListener("popstate", () => {
  if (menu.matches(":popover-open")) menu.hidePopover();
  for (const open of document.querySelectorAll("dialog[open]")) if (open instanceof HTMLDialogElement) open.close();
});

menu.addEventListener("click", ({ target }) => {
  if (target.closest("a")) {
    menu.hidePopover();
    return;
  }
  const what = target.closest("[data-menu]")?.dataset.menu;
  if (!what) return;
  menu.hidePopover();
  asker?.focus();
  if (what === "next" || what === "add") {
    command("add", { songs: [asked.element], next: what === "next" });
    say(words(what === "next" ? `${asked.title} comes next.` : `${asked.title} is in the queue.`));
  } else if (what === "similar") {
    command("similar", { song: asked.element });
    say(words(`Songs that sound like ${asked.title}, without end.`));
  } else wishes[what](asked);
});
document.addEventListener(
  "scroll",
  () => menu.matches(":popover-open") && Math.abs(window.scrollY - openedAt) > SCROLLED_AWAY && menu.hidePopover(),
  { passive: true },
);

// --- Anywhere on a page -------------------------------------------------------------------------

// The songs that a button speaks of: those of the list it names, or of the part of the page it stands in.
function songsOf(button, name) {
  const part =
    document.getElementById(button.dataset[name]) || button.closest("section") || document.getElementById("main");
  return [...part.querySelectorAll("[data-song]")];
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (!button) return;
  const { dataset } = button;
  if ("more" in dataset) openMenu(button);
  else if ("wish" in dataset && current()) wishes[dataset.wish](current(), button);
  else if ("queueToggle" in dataset) {
    opener = button;
    const full = dataset.queueToggle === "full";
    openQueue(panel.hidden || (full && !isFull()), full);
  } else if ("queueClose" in dataset) openQueue(false);
  else if ("queueSettings" in dataset)
    button.setAttribute("aria-expanded", String(button.getAttribute("aria-expanded") !== "true"));
  else if ("queueClear" in dataset) command("clear");
  else if ("queueSave" in dataset) choosePlaylist(state.queue, state.goingOn ? `Like ${state.goingOn.title}` : "");
  else if ("queueBend" in dataset) command("bend", { bent: !state.goingOn?.bent });
  else if ("playSimilar" in dataset) {
    const element = button.closest("[data-song]");
    const on = state.goingOn?.song === element.dataset.song;
    command(on ? "noMore" : "similar", { song: element });
  } else if ("playAll" in dataset) {
    const songs = songsOf(button, "playAll");
    if (songs.length) command("play", { songs, shuffled: "shuffled" in dataset });
  } else if ("saveAll" in dataset) {
    choosePlaylist(
      songsOf(button, "saveAll").map((element) => ({ song: element.dataset.song })),
      dataset.name || "",
    );
  }
});
