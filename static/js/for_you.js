// For you: the dial says in words where it stands, and the rows follow as soon as a song to try has its stars.

import { say, words } from "./queue.js";

function sayPosition(dial) {
  const word = dial.dataset.words.split("|")[dial.value - dial.min];
  dial.setAttribute("aria-valuetext", word);
  dial.form.querySelector("output").textContent = word;
}

document.addEventListener("input", (event) => {
  const dial = event.target.closest?.(".dial input[data-words]");
  if (dial) sayPosition(dial);
});

// The first stars, wherever they are given: in a row, in the menu of its dots, in the player.
document.addEventListener("htmx:afterRequest", async (event) => {
  const { elt, successful } = event.detail;
  if (!successful || !elt.matches?.("form.stars") || !document.querySelector("[data-rows-follow]")) return;
  await window.htmx.ajax("GET", location.pathname + location.search, {
    source: "#rows",
    target: "#rows",
    select: "#rows",
    swap: "outerHTML",
  });
  const page = document.querySelector("[data-rows-follow]:not([data-said])");
  if (!page || elt.elements.stars.value === "0") return;
  page.dataset.said = "";
  for (const link of page.querySelectorAll("[data-rows-ready]")) link.hidden = false;
  const link = document.createElement("a");
  link.href = "#rows";
  link.className = "button button-quiet";
  link.textContent = "Show my recommendations";
  say(words("Your first recommendations are there."), link);
});

// Picked labels change the rows below them, which may be out of sight: as much of them is shown as there is room for
// without the labels going out of it.
document.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (!detail.requestConfig?.path.endsWith("/pick/")) return;
  const panel = document.getElementById("pick")?.closest("section").getBoundingClientRect();
  const row = document.querySelector("#rows > section");
  if (!panel || !row) return;
  const head = document.querySelector(".head").getBoundingClientRect().bottom;
  const hiddenBelow = row.getBoundingClientRect().bottom - lowestInSight();
  window.scrollBy({ top: Math.max(0, Math.min(hiddenBelow, panel.top - head)), behavior: "instant" });
});

// Below it, the tabs of a phone and the player lie over the page.
function lowestInSight() {
  const bars = [...document.querySelectorAll(".tabs, #player:not([hidden])")];
  const tops = bars.map((bar) => bar.getBoundingClientRect().top).filter((top) => top > window.innerHeight / 2);
  return Math.min(window.innerHeight, ...tops);
}

// Songs have come into the recommendations: the page follows, unless somebody types, or has gone on to further rows.
document.addEventListener("songs-arrived", () => {
  const page = document.getElementById("for-you");
  if (!page || page.querySelector("[id^='more-row']") || page.querySelector("input:focus")) return;
  window.htmx.ajax("GET", location.pathname + location.search, {
    source: "#for-you",
    target: "#for-you",
    select: "#for-you",
    swap: "outerHTML show:none",
  });
});
