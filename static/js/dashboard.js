// The admin dashboard: its panels come by htmx, and ask for themselves again while something moves.
//
// A tab that nobody sees asks for nothing; once it is seen again, what moved is looked at at once. What cannot be
// loaded says so, with a way to try again. The focus stays where somebody put it, or goes to what was said.

const dashboard = document.querySelector(".dashboard-grid");
const panelOf = (element) => element.closest?.(".dashboard-panel");

// The panel whose button was pressed, until its answer stands there.
let pressed = null;

document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt, requestConfig } = event.detail;
  if (document.hidden && requestConfig.verb === "get" && elt.matches(".dashboard-panel[data-moving]"))
    event.preventDefault();
  if (requestConfig.verb === "post") pressed = panelOf(elt)?.id ?? null;
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  for (const panel of dashboard.querySelectorAll(".dashboard-panel[data-moving]"))
    window.htmx.trigger(panel, "dashboard-refresh");
});

// After the session is over, the answer is the log-in: go there.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (new URL(event.detail.xhr.responseURL).pathname !== dashboard.dataset.login) return;
  event.detail.shouldSwap = false;
  location.reload();
});

document.addEventListener("htmx:afterSettle", () => {
  if (!pressed) return;
  const panel = document.getElementById(pressed);
  pressed = null;
  if (document.activeElement === document.body) panel?.querySelector("h2")?.focus();
});

function failed(event, why) {
  const panel = panelOf(event.detail.elt);
  pressed = null;
  // One that moves asks again by itself.
  if (!panel || panel.matches("[data-moving]")) return;
  panel.querySelector(".dashboard-loading, .dashboard-failed")?.remove();
  // What comes after it need not wait.
  panel.removeAttribute("data-loading");
  const said = document.createElement("p");
  said.className = "dashboard-failed";
  said.setAttribute("role", "status");
  said.textContent = `${why} `;
  const again = document.createElement("button");
  again.type = "button";
  again.className = "button";
  again.textContent = "Ask again";
  again.addEventListener("click", () => {
    said.textContent = "Asking again";
    window.htmx.ajax("GET", panel.getAttribute("hx-get"), { target: panel, swap: "outerHTML" });
  });
  said.append(again);
  panel.append(said);
}

document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  failed(event, xhr.status === 403 ? "Your account may not do this." : `The server answered ${xhr.status}.`);
});
document.addEventListener("htmx:sendError", (event) => failed(event, "The server cannot be reached."));
