// A playlist's page: its songs are moved by dragging, or by the arrow keys on a song's handle.

let dragged = null;
let before = null;

const rows = (list) => [...list.querySelectorAll("[data-entry]")];
const announce = (text) => (document.getElementById("announce").textContent = text);

async function store(list, row) {
  const body = new URLSearchParams({ before: row.nextElementSibling?.dataset.entry || list.dataset.next || "" });
  const headers = { ...JSON.parse(document.body.getAttribute("hx-headers")), "HX-Request": "true" };
  const all = rows(list);
  announce(`${row.querySelector(".song-row-title").textContent}: place ${all.indexOf(row) + 1} of ${all.length}`);
  try {
    const answer = await fetch(row.querySelector(".playlist-move").action, { method: "POST", headers, body });
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
  } catch {
    // What is stored is what shows.
    location.reload();
  }
}

document.addEventListener("keydown", (event) => {
  const handle = event.target.closest?.("[data-handle]");
  const by = { ArrowUp: "previousElementSibling", ArrowDown: "nextElementSibling" }[event.key];
  if (!handle || !by) return;
  event.preventDefault();
  const row = handle.closest("[data-entry]");
  const other = row[by];
  if (!other) return;
  other[by === "previousElementSibling" ? "before" : "after"](row);
  handle.focus();
  store(row.parentElement, row);
});

// With scripts the handle is held, not sent.
document.addEventListener(
  "click",
  (event) => {
    if (event.target.closest?.("[data-handle]")) event.preventDefault();
  },
  true,
);

document.addEventListener("dragstart", (event) => {
  if (event.target.closest?.("[data-handle]")) event.preventDefault();
});
document.addEventListener("pointerdown", (event) => {
  const handle = event.target.closest?.("[data-handle]");
  if (!handle || event.button) return;
  dragged = handle.closest("[data-entry]");
  before = dragged.nextElementSibling;
  dragged.classList.add("dragged");
  handle.setPointerCapture(event.pointerId);
});
document.addEventListener("pointermove", (event) => {
  if (!dragged) return;
  const all = rows(dragged.parentElement);
  const over = all.find((row) => {
    const { top, bottom } = row.getBoundingClientRect();
    return row !== dragged && event.clientY > top && event.clientY < bottom;
  });
  if (over) over[all.indexOf(over) < all.indexOf(dragged) ? "before" : "after"](dragged);
});
for (const end of ["pointerup", "pointercancel"]) {
  document.addEventListener(end, () => {
    if (!dragged) return;
    const row = dragged;
    dragged = null;
    row.classList.remove("dragged");
    if (row.nextElementSibling !== before) store(row.parentElement, row);
  });
}
