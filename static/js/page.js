// What every page does: say what went wrong with a request, ask for the log-in where the session is over,
// and find the search field with "/".
//
// How the modules of pages start. Following a link replaces only <main> (navigation.js), so a module is evaluated once
// in a tab, whichever page came first, and finds later pages in the same document. A template names its module in the
// block "scripts"; it is fetched when a page first needs it. Inside, two ways, both of which start nothing twice:
//   - what answers to events listens on `document` and looks at `event.target.closest(...)`;
//   - what must begin as soon as it is there (a canvas, a timer) is a custom element: `connectedCallback` begins,
//     `disconnectedCallback` ends it, and the browser calls both however the element comes and goes.
// Never `document.querySelector` at the top of a module: what it finds is gone on the next page. A link or form with
// hx-boost="false" loads the whole page and stops the music; inside [data-stay] what leads to the same page again keeps
// its place and focus.

function tell(text) {
  const messages = document.getElementById("messages");
  if (!messages) return;
  const note = document.createElement("p");
  note.className = "note note-error";
  note.textContent = text;
  messages.replaceChildren(note);
  note.scrollIntoView({ block: "nearest" });
}

// A form goes back to what is stored; a part of the page that was to come says that it does not.
function undo(element) {
  if (element instanceof HTMLFormElement) element.reset();
  const loading = element.querySelector(".loading");
  if (!loading) return;
  loading.className = "soft";
  loading.textContent = "This part of the page could not be loaded.";
}

document.addEventListener("htmx:responseError", (event) => {
  const { xhr, elt } = event.detail;
  const plain = (xhr.getResponseHeader("Content-Type") || "").startsWith("text/plain");
  tell(plain && xhr.response ? xhr.response : `That did not work: the server answered ${xhr.status}.`);
  undo(elt);
});

document.addEventListener("htmx:sendError", (event) => {
  tell("That did not work: the server cannot be reached.");
  undo(event.detail.elt);
});

// After the session is over, the answer to every request is the log-in: go there, and come back here.
document.addEventListener("htmx:beforeSwap", (event) => {
  const login = document.body.dataset.login;
  if (location.pathname === login || new URL(event.detail.xhr.responseURL).pathname !== login) return;
  event.detail.shouldSwap = false;
  location.assign(`${login}?next=${encodeURIComponent(location.pathname + location.search)}`);
});

// Days and hours on pages are those of this device: the server reads its time zone with the next page.
const timeZone = `timezone=${encodeURIComponent(Intl.DateTimeFormat().resolvedOptions().timeZone)}`;
if (!document.cookie.split("; ").includes(timeZone))
  document.cookie = `${timeZone}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;

// What somebody listened to is not for whoever logs in next.
if (!document.getElementById("player")) {
  sessionStorage.removeItem("dcmrs.player");
  localStorage.removeItem("dcmrs.player");
}

// Light or dark, at once; the server keeps it for the next page. What a page that comes says, counts too.
function showTheme(theme) {
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  document.querySelector("meta[name=color-scheme]").content = document.documentElement.dataset.theme || "light dark";
  for (const meta of document.querySelectorAll("meta[name=theme-color]")) {
    meta.content = meta.dataset[theme] || meta.dataset[meta.media.includes("dark") ? "dark" : "light"];
  }
  for (const button of document.querySelectorAll(".theme-choice button")) {
    button.setAttribute("aria-pressed", String(button.value === (document.documentElement.dataset.theme || "system")));
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest(".theme-choice button");
  if (button) showTheme(button.value);
});
document.addEventListener("page:theme", ({ detail }) => showTheme(detail));

// A saved choice is what a later undo goes back to.
document.addEventListener("htmx:afterRequest", (event) => {
  const { elt, successful } = event.detail;
  if (!successful || !(elt instanceof HTMLFormElement)) return;
  for (const input of elt.querySelectorAll("input[type=radio]")) input.defaultChecked = input.checked;
  if (elt.matches("form.stars")) showStarsAlike(elt);
});

// One song may stand in several places, the player among them: its stars are the same everywhere.
function showStarsAlike(form) {
  const { value } = form.elements.stars;
  for (const other of document.querySelectorAll("form.stars")) {
    if (other === form || other.getAttribute("action") !== form.getAttribute("action")) continue;
    for (const input of other.querySelectorAll("input[type=radio]"))
      input.checked = input.defaultChecked = input.value === value;
  }
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select")) return;
  const searches = [...document.querySelectorAll("main input[type=search], input[type=search]")];
  const seen = searches.filter((search) => search.checkVisibility());
  const search = seen.find((one) => one.closest("main")) || seen[0];
  if (!search) return;
  event.preventDefault();
  search.focus();
});
