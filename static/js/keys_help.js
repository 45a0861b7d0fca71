// The list of keys: "?" shows it wherever nothing is typed, and so does the account's menu.

const dialog = document.getElementById("keys-dialog");

function show() {
  for (const menu of document.querySelectorAll("[popover]:popover-open")) menu.hidePopover();
  dialog.showModal();
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "?" || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest("input:not([type=range], [type=radio], [type=checkbox]), textarea, select, dialog")) return;
  event.preventDefault();
  show();
});
document.addEventListener("click", ({ target }) => {
  if (target.closest("[data-keys-open]")) show();
});
dialog.addEventListener("click", ({ target }) => {
  if (target === dialog || target.closest("[data-dialog-close]")) dialog.close();
});
