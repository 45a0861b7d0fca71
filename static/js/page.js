// What every page does: say what went wrong with a request, and find the search field with "/".

const messages = document.getElementById("messages");

function tell(text) {
  const note = document.createElement("p");
  note.className = "note note-error";
  note.textContent = text;
  messages.replaceChildren(note);
  note.scrollIntoView({ block: "nearest" });
}

function undo(form) {
  if (form instanceof HTMLFormElement) form.reset();
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

// A saved choice is what a later undo goes back to.
document.addEventListener("htmx:afterRequest", (event) => {
  const { elt, successful } = event.detail;
  if (!successful || !(elt instanceof HTMLFormElement)) return;
  for (const input of elt.querySelectorAll("input[type=radio]")) input.defaultChecked = input.checked;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select")) return;
  const search = document.querySelector("input[type=search]");
  if (!search) return;
  event.preventDefault();
  search.focus();
});
