// The page that the service worker shows without a network is nobody's: whose songs are kept here, and whether they like
// it dark, this browser has noted (offline.js). Loaded before all that asks who is logged in.

const noted = JSON.parse(localStorage.getItem("dcmrs.kept") || "{}");
document.body.dataset.who = noted.who || "";
if (noted.theme) document.documentElement.dataset.theme = noted.theme;
