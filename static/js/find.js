// The microphone beside a box for words. It is there only where the browser recognises speech on the device itself:
// many browsers send what is said to a server of their maker's, and then no microphone is shown.
//
// The browser is asked twice: `available` with processLocally says whether what it takes is installed here, and a
// recognition with processLocally fails rather than send anything away.

const Recognition = window.SpeechRecognition || window.webkitSpeechRecognition;
const LANGUAGES = [
  ...new Set([...navigator.languages.filter((language) => /^en\b/i.test(language)), "en-US", "en-GB"]),
];
const TROUBLE = {
  "not-allowed": "The browser does not let this page use the microphone.",
  "service-not-allowed": "The browser cannot recognise speech on this device just now.",
  "language-not-supported": "The browser cannot recognise speech on this device just now.",
  "audio-capture": "There is no microphone.",
  "no-speech": "Nothing was heard.",
};

async function languageHere() {
  if (typeof Recognition?.available !== "function" || !("processLocally" in Recognition.prototype)) return null;
  for (const language of LANGUAGES) {
    try {
      if ((await Recognition.available({ langs: [language], processLocally: true })) === "available") return language;
    } catch {
      return null;
    }
  }
  return null;
}

let asked = null;

class FindSpeech extends HTMLElement {
  #recognition = null;

  async connectedCallback() {
    asked ??= languageHere();
    const language = await asked;
    if (!language || !this.isConnected) return;
    this.hidden = false;
    this.querySelector("button").onclick = () =>
      this.#recognition ? this.#recognition.stop() : this.#listen(language);
  }

  disconnectedCallback() {
    this.#recognition?.abort();
    this.#recognition = null;
  }

  #listen(language) {
    const recognition = new Recognition();
    recognition.lang = language;
    recognition.processLocally = true;
    recognition.interimResults = true;
    if (recognition.processLocally !== true) return;
    const form = this.closest("form");
    const field = form.querySelector("input[type=search]");
    let heard = "";
    recognition.onresult = ({ results }) => {
      heard = [...results]
        .map((result) => result[0].transcript)
        .join(" ")
        .trim();
      field.value = heard.slice(0, field.maxLength);
    };
    recognition.onerror = ({ error }) => {
      heard = "";
      if (error !== "aborted") this.#say(TROUBLE[error] || "That could not be understood. Try again, or type it.");
    };
    recognition.onend = () => {
      this.#recognition = null;
      this.#listens(false);
      if (heard && this.isConnected) form.requestSubmit();
    };
    try {
      recognition.start();
    } catch {
      this.#say(TROUBLE["service-not-allowed"]);
      return;
    }
    this.#recognition = recognition;
    this.#listens(true);
    this.#say("Listening. Your voice stays on this device.");
  }

  #listens(on) {
    this.querySelector("button").setAttribute("aria-pressed", String(on));
    if (!on && this.#place().textContent.startsWith("Listening")) this.#say("");
  }

  #place() {
    return document.querySelector(".find-heard") || document.getElementById("announce");
  }

  #say(text) {
    this.#place().textContent = text;
  }
}

if (!customElements.get("find-speech")) customElements.define("find-speech", FindSpeech);
