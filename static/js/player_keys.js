// The player by keyboard: space plays, arrows seek, with Shift they step from song to song.

const TYPED_IN =
  "input:not([type=range], [type=radio], [type=checkbox], [type=button], [type=submit]), textarea, select";
const OWN_KEYS = "a, button, input, select, textarea, summary, dialog, [popover], [contenteditable]";

/**
 * @param {object} player
 * @param {() => boolean} player.isThere whether there is a song to play
 * @param {() => void} player.pauseOrGoOn
 * @param {(by: -1 | 1) => void} player.step
 * @param {(by: -1 | 1) => void} player.seek
 */
export function listenToKeys({ isThere, pauseOrGoOn, step, seek }) {
  let clicked = null;
  let spaceTaken = false;

  // Space plays after a click too, wherever that left the focus: only who came to a button by keyboard means the button.
  document.addEventListener("click", ({ detail }) => {
    clicked = detail ? document.activeElement : null;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Tab") clicked = null;
    if (event.key !== " " || !isThere() || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (event.defaultPrevented || event.target !== clicked || event.target === document.body) return;
    if (event.target.closest(`${TYPED_IN}, dialog, [popover], [contenteditable]`)) return;
    event.preventDefault();
    spaceTaken = true;
    if (!event.repeat) pauseOrGoOn();
  });
  // Firefox presses the button on the way up.
  document.addEventListener("keyup", (event) => {
    if (event.key === " " && spaceTaken) event.preventDefault();
    spaceTaken = false;
  });

  document.addEventListener("keydown", (event) => {
    if (!isThere() || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest(OWN_KEYS)) return;
    if (event.key === " " && !event.shiftKey) {
      if (!event.repeat) pauseOrGoOn();
    } else if (event.key === "ArrowLeft") (event.shiftKey ? step : seek)(-1);
    else if (event.key === "ArrowRight") (event.shiftKey ? step : seek)(1);
    else return;
    event.preventDefault();
  });
}
