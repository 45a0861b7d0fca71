// For you: the dial says in words where it stands, and the rows follow as soon as a song to try has its stars.

function words(dial) {
  const word = dial.dataset.words.split("|")[dial.value - dial.min];
  dial.setAttribute("aria-valuetext", word);
  dial.form.querySelector("output").textContent = word;
}

document.addEventListener("input", (event) => {
  const dial = event.target.closest?.(".dial input[data-words]");
  if (dial) words(dial);
});

document.addEventListener("htmx:afterRequest", (event) => {
  const { elt, successful } = event.detail;
  if (!successful || !elt.closest?.("[data-rows-follow]")) return;
  window.htmx.ajax("GET", location.pathname + location.search, {
    source: "#rows",
    target: "#rows",
    select: "#rows",
    swap: "outerHTML",
  });
});

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
