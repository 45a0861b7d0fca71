// What plays stands before the page's own title in the tab; whichever page comes meanwhile brings one of its own.

let pageTitle = document.title;
let tabTitle = pageTitle;
let playing = "";

function show() {
  if (document.title !== tabTitle) pageTitle = document.title;
  tabTitle = playing || pageTitle;
  if (document.title !== tabTitle) document.title = tabTitle;
}

/** @param {{ title: string, artist: string } | null} song that plays */
export function nameTab(song) {
  playing = song ? [song.title, song.artist].filter(Boolean).join(" · ") : "";
  show();
}

new MutationObserver(() => document.title !== tabTitle && show()).observe(document.querySelector("title"), {
  childList: true,
  characterData: true,
  subtree: true,
});
