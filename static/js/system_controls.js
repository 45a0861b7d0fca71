// The system's own controls: lock screen, headphones.

const session = navigator.mediaSession;

/**
 * @param {Partial<Record<MediaSessionAction, (details: MediaSessionActionDetails) => void>>} answers
 */
export function answerSystem(answers) {
  for (const [action, answer] of Object.entries(answers)) {
    try {
      session?.setActionHandler(/** @type {MediaSessionAction} */ (action), answer);
    } catch {
      // A browser need not know every action.
    }
  }
}

/** @param {{ title: string, artist: string, cover: string }} song that plays */
export function tellSystemSong({ title, artist, cover }) {
  if (!session) return;
  const artwork = [{ src: new URL(cover, location.href).href }];
  session.metadata = new MediaMetadata({ title, artist, artwork });
}

/**
 * @param {HTMLAudioElement} audio
 * @param {number} duration seconds; 0 where that is not known
 */
export function tellSystemPosition(audio, duration) {
  if (!session) return;
  session.playbackState = audio.paused ? "paused" : "playing";
  if (!duration) return;
  const position = Math.min(audio.currentTime, duration);
  session.setPositionState({ duration, position, playbackRate: audio.playbackRate });
}
