// The page where labels are curated, by keyboard alone: y keep, n not this, e another label, s next, u undo,
// space or p play or pause, a the same for all that is ticked. A key presses the button of that name, so that whatever works by
// mouse works by key. After each answer the next song begins to play where it shows what it is.

const TYPING = "input:not([type=checkbox]), textarea, select, [contenteditable]";
const PRESSES = "button, summary, a, audio, input, select, textarea, [role=option]";

const page = () => document.getElementById("curation-page");
const audio = () => document.getElementById("curation-audio");
// One voice for the songs of lists, beside the one in question.
const listening = new Audio();
let listened = null;
// The song of a list that was heard last: on a page of lists the space bar plays it again.
let last = null;
// Return was pressed before the names came that belong to what was typed.
let enterWaits = false;

// --- Playing ----------------------------------------------------------------------------------

function begin() {
  const song = audio();
  stopListening();
  // A browser that lets nothing play by itself waits for the key.
  song?.play().catch(() => {});
}

function toggle() {
  const song = audio();
  if (!song) return;
  if (song.paused) {
    stopListening();
    song.play().catch(() => {});
  } else {
    song.pause();
  }
}

function stopListening() {
  listening.pause();
  if (!listened) return;
  listened.setAttribute("aria-pressed", "false");
  listened.removeAttribute("data-playing");
  listened = null;
}

function listen(button) {
  const again = button === listened;
  stopListening();
  if (again) return;
  audio()?.pause();
  listened = last = button;
  listening.src = button.dataset.listen;
  button.setAttribute("aria-pressed", "true");
  button.setAttribute("data-playing", "");
  listening.play().catch(stopListening);
}

listening.addEventListener("ended", stopListening);

// --- Keys -------------------------------------------------------------------------------------

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const { target, key } = event;
  if (target.id === "curation-name") {
    pick(event);
    return;
  }
  if (target.closest(TYPING)) return;
  if (key === " ") {
    // On a button the space bar presses that button, as everywhere.
    if (target.closest(PRESSES)) return;
    const song = document.querySelector("[data-toggle-audio]") || last || document.querySelector("[data-listen]");
    if (!song) return;
    event.preventDefault();
    song.click();
  } else if (key.length === 1 && press(key.toLowerCase())) {
    event.preventDefault();
  }
});

function press(key) {
  if (!/^[a-z]$/.test(key)) return false;
  const opens = document.querySelector(`[data-open-key="${key}"]`);
  if (opens) {
    opens.open = true;
    opens.querySelector("input[type=text]").focus();
    return true;
  }
  const button = document.querySelector(`[data-key="${key}"]`);
  if (!button || button.disabled) return false;
  button.click();
  return true;
}

document.addEventListener("click", ({ target }) => {
  if (target.closest("[data-toggle-audio]")) toggle();
  const button = target.closest("[data-listen]");
  if (button) listen(button);
  const option = target.closest("#curation-names [role=option]");
  if (option) take(option);
});

document.addEventListener(
  "toggle",
  (event) => {
    const folded = /** @type {HTMLDetailsElement} */ (event.target);
    if (folded.matches?.(".curation-other") && folded.open) folded.querySelector("input[type=text]").focus();
  },
  true,
);

// --- Another label ----------------------------------------------------------------------------

const field = () => document.getElementById("curation-name");
const options = () => [...document.querySelectorAll("#curation-names [role=option]")];
const chosen = () => options().find((option) => option.getAttribute("aria-selected") === "true");

function pick(event) {
  if (event.key === "Escape") {
    event.preventDefault();
    event.target.closest("details").open = false;
    document.getElementById("curation-question").focus();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const all = options();
    if (all.length)
      choose(all[(all.indexOf(chosen()) + (event.key === "ArrowDown" ? 1 : all.length - 1)) % all.length]);
  } else if (event.key === "Enter") {
    event.preventDefault();
    const option = chosen();
    if (!field().value.trim()) return;
    if (option && option.dataset.for === field().value.trim()) take(option);
    else enterWaits = true;
  }
}

function choose(option) {
  for (const other of options()) other.removeAttribute("aria-selected");
  option.setAttribute("aria-selected", "true");
  option.scrollIntoView({ block: "nearest" });
  field().setAttribute("aria-activedescendant", option.id);
}

function take(option) {
  field().value = option.dataset.name;
  field().form.requestSubmit();
}

function namesCame() {
  const all = options();
  field().setAttribute("aria-expanded", String(all.length > 0));
  if (all.length) field().setAttribute("aria-activedescendant", all[0].id);
  else field().removeAttribute("aria-activedescendant");
  if (!enterWaits || !all.length || all[0].dataset.for !== field().value.trim()) return;
  enterWaits = false;
  take(chosen() || all[0]);
}

// --- What comes back --------------------------------------------------------------------------

document.addEventListener("htmx:afterSettle", ({ detail, target }) => {
  if (target.id === "curation-names") {
    namesCame();
  } else if (target.id === "curation-page" || detail.elt?.id === "curation-page") {
    enterWaits = false;
    document.getElementById("curation-question")?.focus({ preventScroll: true });
    begin();
  }
});

// After the session is over, the answer to every request is the log-in: the page itself goes there.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  if (!xhr.responseURL || !/\/login\/$/.test(new URL(xhr.responseURL).pathname)) return;
  event.detail.shouldSwap = false;
  location.reload();
});

function wentWrong(text) {
  const place = page();
  if (!place) return;
  const said = place.querySelector(".curation-said") || document.createElement("p");
  said.className = "curation-said curation-said-wrong";
  said.setAttribute("role", "alert");
  said.textContent = text;
  if (!said.isConnected) place.querySelector(".curation-bar").after(said);
}

document.addEventListener("htmx:responseError", ({ detail }) => {
  wentWrong(`That did not work: the server answered ${detail.xhr.status}. Nothing was done.`);
});
document.addEventListener("htmx:sendError", () => {
  wentWrong("That did not work: the server cannot be reached. Nothing was done.");
});

if (page()) {
  document.getElementById("curation-question")?.focus({ preventScroll: true });
  begin();
}
