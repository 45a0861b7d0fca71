// Lists of songs by keyboard: up and down from row to row, 1 to 5 for stars and 0 for none, m for what else can be
// done with a song, while something in a row has the focus.

const ROW = ".song-row";

// What stands in a row at the place where something else stands in another.
function counterpart(row, element) {
  if (element.matches("[type=radio]"))
    return row.querySelector("[type=radio]:checked") || row.querySelector("[type=radio]");
  const kind = [...element.classList].map((name) => `.${CSS.escape(name)}`).join("");
  return (kind && row.querySelector(kind)) || row.querySelector("button, a");
}

function beside(row, step) {
  let other = row;
  do other = step > 0 ? other.nextElementSibling : other.previousElementSibling;
  while (other && !other.matches(ROW));
  return other || (step > 0 ? row.parentElement.querySelector("#more-songs a") : null);
}

document.addEventListener("keydown", (event) => {
  const row = event.target.closest?.(`[data-row-keys] ${ROW}`);
  if (!row || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const other = beside(row, event.key === "ArrowDown" ? 1 : -1);
    if (!other) return;
    (other.matches(ROW) ? counterpart(other, event.target) : other).focus();
  } else if (/^[0-5]$/.test(event.key)) {
    const star = row.querySelector(`.stars input[value="${event.key}"]`);
    if (!star || star.checked) return;
    star.checked = true;
    star.dispatchEvent(new Event("change", { bubbles: true }));
  } else if (event.key === "m" && row.querySelector("[data-more]")) {
    row.querySelector("[data-more]").click();
  } else return;
  event.preventDefault();
});

// Whoever asked for more songs by keyboard goes on with the first of them.
let goOnAfter = null;

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const asked = detail.target.id === "more-songs" && detail.target.contains(document.activeElement);
  goOnAfter = asked ? detail.target.previousElementSibling : null;
});

document.addEventListener("htmx:afterSettle", () => {
  goOnAfter?.nextElementSibling?.querySelector("button, a")?.focus();
  goOnAfter = null;
});
