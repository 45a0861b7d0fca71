// What every page does for hearing music without a network: it starts the service worker, and sees to it that nothing
// stays of whoever has logged out, or was logged in before somebody else.

import { canKeep, forget } from "./kept_songs.js";

const NOTED = "dcmrs.kept";
// The server sets it when somebody logs out; it stays until this browser has done what it says.
const FORGET = "forget_kept_songs=1";

const { who, worker } = document.body.dataset;

/** Keep in mind who is logged in, for the page that the service worker shows: it cannot ask the server. */
function note() {
  localStorage.setItem(NOTED, JSON.stringify({ who, theme: document.documentElement.dataset.theme }));
}

async function tidy() {
  if (document.cookie.split("; ").includes(FORGET)) {
    localStorage.removeItem(NOTED);
    await forget();
    document.cookie = `${FORGET}; path=/; max-age=0; samesite=lax`;
  } else if (who) await forget(who);
  if (who) note();
}

if (canKeep) {
  if (!document.body.hasAttribute("data-offline-shell")) {
    tidy();
    document.addEventListener("page:theme", note);
  }
  window.addEventListener("load", () => navigator.serviceWorker.register(worker));
}
