// Going from page to page while the player plays on: htmx fetches a link's or form's page (hx-boost on <body>), and
// only <main> is replaced. Full loads remain for what is no page of this layout (the dashboard, a file), after a
// log-in or log-out, and when the site itself is newer than this tab. See page.js for how page modules start.

const PLACES = "dcmrs.places";
const PLACES_KEPT = 50;
const ELSEWHERE = /^\/(admin|api|static|media)\//;

const announce = document.getElementById("announce");
const root = document.documentElement;

// The request of the link that was followed last: of two, the second counts.
let latest = null;
let isAsking = false;
let stylesheetsToCome = 0;
// The request for a page of the history; what is asked for after it ends it.
let restoring = null;
// Whether the page that comes is another one: then its top shows and its heading is read out.
let leaves = false;

// --- Where each page of the history was scrolled to -------------------------------------------

history.scrollRestoration = "manual";
const places = new Map(JSON.parse(sessionStorage.getItem(PLACES) || "[]"));
const fresh = () => `${Date.now().toString(36)}${Math.random().toString(36).slice(2, 6)}`;
let here = history.state?.page || fresh();

const mark = () => history.replaceState({ ...history.state, page: here }, "");

function keepPlace() {
  places.delete(here);
  places.set(here, window.scrollY);
  while (places.size > PLACES_KEPT) places.delete(places.keys().next().value);
}

function goToPlace() {
  window.scrollTo({ top: places.get(here) || 0, behavior: "instant" });
}

window.addEventListener("scroll", keepPlace, { passive: true });
window.addEventListener("pagehide", () => {
  keepPlace();
  mark();
  sessionStorage.setItem(PLACES, JSON.stringify([...places]));
});
window.addEventListener("popstate", (event) => {
  layerAt(event.state);
  if (event.state && event.state.page === here) {
    // What lay over the page has gone or come back, and the page is here: htmx need not fetch it again.
    event.stopImmediatePropagation();
    return;
  }
  here = event.state?.page || fresh();
  latest = null;
  isAsking = false;
  showLoading();
});
document.addEventListener("htmx:beforeHistoryUpdate", ({ detail }) => {
  // The same page again is no new place to go back to.
  if (new URL(detail.history.path, location.href).href === location.href) detail.history.type = "replace";
  if (detail.history.type === "push") {
    keepPlace();
    mark();
    here = fresh();
  }
});
for (const done of ["htmx:pushedIntoHistory", "htmx:replacedInHistory"]) document.addEventListener(done, mark);

// --- What lies over a page --------------------------------------------------------------------

// The full-screen player has an entry of the history of its own over that of its page, so that Back closes it. Its
// name is the entry's `layer`; the event "page:layer" tells when going back or forward has opened or closed it.
let layer = history.state?.layer || null;
let settling = null;
let wentBack = null;

function layerAt(state) {
  wentBack?.();
  if (settling) return;
  layer = state?.layer || null;
  document.dispatchEvent(new CustomEvent("page:layer", { detail: layer }));
}

async function settle() {
  // `settling` is set first.
  await null;
  while ((history.state?.layer || null) !== layer) {
    if (layer) {
      mark();
      history.pushState({ ...history.state, layer }, "");
    } else {
      const gone = new Promise((resolve) => {
        wentBack = resolve;
      });
      history.back();
      await gone;
    }
  }
  settling = null;
}

/**
 * @param {string | null} name of what lies over the page, null for nothing
 * @returns {Promise<void>} once the history says so
 */
export function setLayer(name) {
  layer = name;
  settling ??= settle();
  return settling;
}

// --- Asking -----------------------------------------------------------------------------------

document.addEventListener("htmx:configRequest", (event) => {
  const { boosted, elt, path, verb, headers } = event.detail;
  if (!boosted) return;
  // Views answer it with the whole page, as they answer a browser.
  delete headers["HX-Request"];
  if (verb === "get" && (elt.hasAttribute("download") || ELSEWHERE.test(new URL(path, location.href).pathname))) {
    event.preventDefault();
    location.assign(path);
  }
});

document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  if (!detail.boosted) return;
  restoring?.abort();
  latest = detail.xhr;
  isAsking = true;
  showLoading();
});

document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (!detail.boosted || detail.xhr !== latest) return;
  isAsking = false;
  showLoading();
});

// A page that has not its stylesheets yet still moves under the pointer.
function showLoading() {
  root.toggleAttribute("data-loading", isAsking || stylesheetsToCome > 0);
}

// --- Putting the page in ----------------------------------------------------------------------

const addresses = (page, selector) =>
  [...page.querySelectorAll(selector)].map(
    (element) => new URL(element.getAttribute("src") || element.getAttribute("href"), location.href).href,
  );

// Whether a page fits around the player that is here.
function fits(page) {
  if (!page.getElementById("main")) return false;
  // A page for when all else fails has neither head nor player: its text is enough.
  if (page.body.dataset.who === undefined) return true;
  // What is shown without a network has not the head of a page.
  if (document.body.hasAttribute("data-offline-shell")) return false;
  const site = "[data-site]";
  return (
    page.body.dataset.who === document.body.dataset.who && `${addresses(page, site)}` === `${addresses(document, site)}`
  );
}

function takeOver(page) {
  if (!page.body.hasAttribute("data-offline-shell"))
    document.dispatchEvent(new CustomEvent("page:theme", { detail: page.documentElement.dataset.theme }));
  const headers = page.body.getAttribute("hx-headers");
  if (headers) document.body.setAttribute("hx-headers", headers);
  for (const menu of document.querySelectorAll(".head [popover]:popover-open")) menu.hidePopover();
  const current = [...page.querySelectorAll(".head nav a[aria-current]")].map((link) => link.getAttribute("href"));
  for (const link of document.querySelectorAll(".head nav a")) {
    if (current.includes(link.getAttribute("href"))) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const there = new Set(addresses(document, "head script[src], head link[rel=stylesheet]"));
  for (const element of page.querySelectorAll("head script[src], head link[rel=stylesheet]")) {
    const [address] = addresses({ querySelectorAll: () => [element] }, "");
    if (there.has(address)) continue;
    const added = document.createElement(element.localName);
    for (const { name, value } of element.attributes) added.setAttribute(name, value);
    if (added instanceof HTMLLinkElement) awaitStylesheet(added);
    document.head.append(added);
  }
}

/** @param {HTMLLinkElement} link */
function awaitStylesheet(link) {
  stylesheetsToCome += 1;
  const arrive = () => {
    stylesheetsToCome -= 1;
    showLoading();
  };
  link.addEventListener("load", arrive, { once: true });
  link.addEventListener("error", arrive, { once: true });
}

document.addEventListener("htmx:beforeSwap", (event) => {
  const { detail } = event;
  const { boosted, xhr, target } = detail;
  if (!boosted || (target !== document.body && target.id !== "main")) return;
  if (xhr !== latest) {
    detail.shouldSwap = false;
    detail.isError = false;
    return;
  }
  const address = xhr.responseURL || location.href;
  const type = xhr.getResponseHeader("Content-Type") || "";
  const page = type.startsWith("text/html")
    ? new DOMParser().parseFromString(detail.serverResponse, "text/html")
    : null;
  if (!page && xhr.status >= 400) return;
  if (!page || !fits(page)) {
    detail.shouldSwap = false;
    location.assign(address + (detail.pathInfo.anchor ? `#${detail.pathInfo.anchor}` : ""));
    return;
  }
  takeOver(page);
  // A page that says what went wrong is a page.
  detail.shouldSwap = true;
  detail.isError = false;
  const stays = detail.requestConfig.elt.closest("[data-stay]") && new URL(address).pathname === location.pathname;
  leaves = target === document.body && !stays;
  if (target === document.body) {
    detail.target = document.getElementById("main");
    detail.selectOverride = "#main";
    detail.swapOverride = "outerHTML";
  }
});

// What stands in for scripts is parsed into elements where a script puts it in: a second <audio>, buttons twice.
document.addEventListener("htmx:load", ({ detail }) => {
  for (const instead of detail.elt.querySelectorAll("noscript")) instead.remove();
});

function arrive() {
  const main = document.getElementById("main");
  announce.textContent = document.getElementById("messages")?.textContent.trim() || "";
  if (main.contains(document.activeElement)) return;
  const heading = main.querySelector("h1") || main;
  if (heading !== main) heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

document.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (!detail.boosted || detail.target.id !== "main") return;
  if (!leaves) {
    if (document.activeElement === document.body) document.getElementById("main").focus({ preventScroll: true });
    // The tab's title may be that of the song that plays.
    announce.textContent = document.querySelector("#main h1")?.textContent || document.title;
    return;
  }
  leaves = false;
  if (!detail.pathInfo.anchor) window.scrollTo({ top: 0, behavior: "instant" });
  arrive();
});

// --- Back and forward -------------------------------------------------------------------------

// htmx shows whichever page comes last: after going back twice quickly that may be the one in between.
document.addEventListener("htmx:historyCacheMiss", ({ detail }) => {
  restoring?.abort();
  restoring = detail.xhr;
});
document.addEventListener("htmx:historyCacheMissLoad", ({ detail }) => {
  const page = new DOMParser().parseFromString(detail.response, "text/html");
  const login = document.body.dataset.login;
  if (!fits(page) || (new URL(detail.xhr.responseURL).pathname === login && location.pathname !== login))
    location.reload();
  else takeOver(page);
});
document.addEventListener("htmx:historyCacheMissLoadError", () => location.reload());
document.addEventListener("htmx:historyRestore", () => {
  mark();
  goToPlace();
  arrive();
});

if (!location.hash) goToPlace();
