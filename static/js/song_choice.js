// Several songs of a page chosen at once, for the queue, a playlist or stars: it begins in the menu of a song's three
// dots, whose place boxes then take, and ends once they are played or put somewhere, with the page, or by "Done".

import { ask, choosePlaylist, command, say, words } from "./queue.js";

const part = document.getElementById("song-choice");
const count = part.querySelector("p");
const stars = part.querySelector("select");

let choosing = false;
let last = null;

// What lies above the bar lies above what the bar says too.
const said = document.getElementById("player-said");
new ResizeObserver(() => {
  document.documentElement.style.setProperty("--said-height", `${said.offsetHeight}px`);
}).observe(said);

const boxes = () => [...document.querySelectorAll("#main .song-choose")];
const chosen = () =>
  boxes()
    .filter((box) => box.checked)
    .map((box) => box.closest("[data-song]"));
const counted = (number) => `${number} song${number === 1 ? "" : "s"}`;

function show() {
  const { length } = chosen();
  count.textContent = `${counted(length)} chosen`;
  for (const key of part.querySelectorAll("[data-choice]:not([data-choice=all], [data-choice=done]), select"))
    key.disabled = !length;
}

// Also of songs that came into the list since.
function addBoxes() {
  for (const dots of document.querySelectorAll("#main [data-song] [data-more]")) {
    if (dots.previousElementSibling?.matches(".song-choose")) continue;
    const box = document.createElement("input");
    box.type = "checkbox";
    box.className = "song-choose";
    box.autocomplete = "off";
    box.setAttribute("aria-label", `Choose ${dots.closest("[data-song]").dataset.title}`);
    dots.before(box);
  }
}

function begin(song) {
  choosing = true;
  document.body.toggleAttribute("data-choosing", true);
  part.hidden = false;
  addBoxes();
  last = boxes().find((box) => box.closest("[data-song]") === song) || null;
  if (last) last.checked = true;
  show();
  last?.focus();
}

function end() {
  choosing = false;
  document.body.removeAttribute("data-choosing");
  part.hidden = true;
  for (const box of boxes()) box.remove();
}

async function rate(songs, given) {
  let done = 0;
  try {
    for (const { dataset } of songs) {
      await ask(`${dataset.song}rate/`, { stars: given });
      done += 1;
      for (const form of document.querySelectorAll(`form.stars[action="${dataset.song}rate/"]`))
        for (const input of form.querySelectorAll("input[type=radio]"))
          input.checked = input.defaultChecked = input.value === given;
    }
    count.textContent = `${counted(done)} rated.`;
  } catch {
    count.textContent = `${done} of ${counted(songs.length)} rated: the server cannot be reached, or refused the next one.`;
  }
}

// What is chosen has come where it was wanted: the choosing is over, and the player says what was done.
function done(text) {
  end();
  say(words(text));
}

const acts = {
  play: (songs) => {
    command("play", { songs });
    end();
  },
  next: (songs) => {
    command("add", { songs, next: true });
    done(`${counted(songs.length)} come${songs.length === 1 ? "s" : ""} next.`);
  },
  add: (songs) => {
    command("add", { songs });
    done(`${counted(songs.length)} put into the queue.`);
  },
  playlist: (songs) => choosePlaylist(songs.map(({ dataset }) => ({ song: dataset.song }))),
};

document.addEventListener("song:choose", ({ detail }) => begin(detail.element));

part.addEventListener("click", ({ target }) => {
  const what = target.closest("[data-choice]")?.dataset.choice;
  if (what === "done") end();
  else if (what === "all") {
    const all = boxes();
    const some = all.some((box) => !box.checked);
    for (const box of all) box.checked = some;
    show();
  } else if (what) acts[what](chosen());
});

stars.addEventListener("change", () => {
  rate(chosen(), stars.value);
  stars.value = "";
});

// With Shift all songs between two are chosen, as in a list of files.
document.addEventListener("click", ({ target, shiftKey }) => {
  if (!(target instanceof HTMLInputElement) || !target.matches(".song-choose")) return;
  const all = boxes();
  if (shiftKey && last?.isConnected) {
    const [from, to] = [all.indexOf(last), all.indexOf(target)].sort((a, b) => a - b);
    for (const box of all.slice(from, to + 1)) box.checked = target.checked;
  }
  last = target;
  show();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !choosing || event.defaultPrevented) return;
  if (event.target.closest("dialog, [popover], .queue")) return;
  end();
});

// The dialog of playlists says itself what became of them.
document.getElementById("playlist-choice").addEventListener("htmx:afterSwap", ({ currentTarget }) => {
  if (choosing && currentTarget instanceof Element && currentTarget.querySelector("[data-playlist-added]")) end();
});

document.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (!choosing) return;
  if (detail.target.id === "main" || !boxes().length) end();
  else {
    addBoxes();
    show();
  }
});
document.addEventListener("htmx:historyRestore", () => choosing && end());
