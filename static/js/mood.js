// The picture on the page Mood: from the camera or a file, shown here and sent shrunken. The picture itself stays in
// this tab: what comes back from the server are frames to lay over it.

// Twice what the server looks at, so that nothing is lost, while a phone's 12 MB become some 200 kB.
const LONGEST_SIDE = 1600;
const SHORTEST_SIDE = 48;
const QUALITY = 0.92;

const REFUSED = "The camera was not allowed. Allow it beside the page’s address, or choose a file.";
const NO_CAMERA = {
  NotAllowedError: REFUSED,
  SecurityError: REFUSED,
  NotFoundError: "There is no camera here. Choose a file.",
  NotReadableError: "The camera cannot be opened: another program may be using it. Close that one, or choose a file.",
};
const INSECURE =
  "Browsers open the camera only for pages that come over HTTPS or from localhost, and this one does not. Choose a file instead; a phone can take a new picture for it.";

const toFile = (canvas) =>
  new Promise((done, failed) => {
    const finish = (blob) => (blob ? done(new File([blob], "picture.jpg", { type: blob.type })) : failed(new Error()));
    canvas.toBlob(finish, "image/jpeg", QUALITY);
  });

// Upright, as the camera noted it, and on white where it is transparent; what else the file says (place, time) goes.
async function shrunken(file) {
  const address = URL.createObjectURL(file);
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const { naturalWidth: width, naturalHeight: height } = image;
    const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
    // Of a strip nothing would be left: the server says what is wrong with it.
    if (scale < 1 && scale * Math.min(width, height) < SHORTEST_SIDE) return file;
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await toFile(canvas);
  } finally {
    URL.revokeObjectURL(address);
  }
}

class MoodPicture extends HTMLElement {
  // What will be sent, and the address under which it is shown.
  #picture = null;
  #shown = "";
  #camera = null;
  // Counted on by whatever makes an answer that is still under way one too many.
  #turn = 0;

  connectedCallback() {
    this.form = this.querySelector("form");
    // From here on the picture stands in this element, not in the field.
    this.form.elements.picture.required = false;
    this.addEventListener("click", this);
    this.addEventListener("change", this);
    for (const name of ["configRequest", "sendError", "afterRequest"]) this.addEventListener(`htmx:${name}`, this);
    if (!navigator.mediaDevices?.getUserMedia) {
      this.dataset.camera = "none";
      if (!window.isSecureContext) this.#say(INSECURE);
    }
  }

  disconnectedCallback() {
    this.#drop();
  }

  handleEvent(event) {
    if (event.type === "click") this.#click(event);
    else if (event.type === "change") this.#change(event);
    else if (event.detail.elt !== this.form) return;
    else if (event.type === "htmx:configRequest") this.#send(event);
    else if (event.type === "htmx:sendError") this.#unsent(event);
    else this.#answered(event);
  }

  #part(name) {
    return this.querySelector(`.mood-${name}`);
  }

  #say(text) {
    const note = this.#part("note");
    note.hidden = !text;
    note.querySelector("span").textContent = text;
  }

  #enter(state) {
    this.#say("");
    this.dataset.state = state;
  }

  // --- What is pressed and chosen ---------------------------------------------------------------

  #click(event) {
    const key = event.target.closest("button[type=button]");
    if (!key) return;
    if (key.matches(".mood-open-camera")) this.#openCamera();
    else if (key.matches(".mood-shoot")) this.#shoot();
    else {
      this.#drop();
      this.#enter("empty");
      this.#part(key.matches(".mood-close-camera") ? "open-camera" : "choose").focus();
    }
  }

  #change(event) {
    const [file] = event.target.files ?? [];
    if (file) this.#choose(file);
  }

  async #choose(file) {
    this.#drop();
    const turn = this.#turn;
    const smaller = await shrunken(file).catch(() => null);
    if (turn !== this.#turn) return;
    if (smaller) {
      this.#show(smaller);
    } else if (file.size > Number(this.dataset.maxBytes)) {
      this.#enter("empty");
      this.#say(`“${file.name}” is too large, and this browser cannot make it smaller. Choose a JPEG or a PNG.`);
    } else {
      // Not every browser knows every camera's format; the server may, or says that it is no picture.
      this.#show(file, `This browser cannot show “${file.name}”. The server will try to read it.`);
    }
  }

  #show(file, instead = "") {
    this.#drop();
    this.#picture = file;
    const image = this.#part("image");
    image.hidden = Boolean(instead);
    this.#part("unseen").textContent = instead;
    if (!instead) image.src = this.#shown = URL.createObjectURL(file);
    this.#enter("preview");
    this.#part("read").focus({ preventScroll: true });
  }

  #drop() {
    this.#turn += 1;
    this.#closeCamera();
    this.#picture = null;
    if (this.#shown) URL.revokeObjectURL(this.#shown);
    this.#shown = "";
    this.#part("image").removeAttribute("src");
    this.#part("faces").replaceChildren();
    this.form.elements.picture.value = "";
  }

  // --- The camera -------------------------------------------------------------------------------

  #closeCamera() {
    for (const track of this.#camera?.getTracks() ?? []) track.stop();
    this.#camera = null;
    this.querySelector("video").srcObject = null;
  }

  async #openCamera() {
    this.#drop();
    const turn = this.#turn;
    const video = { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 960 } };
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
    } catch (error) {
      if (turn !== this.#turn) return;
      this.#enter("empty");
      this.#say(NO_CAMERA[error.name] ?? "The camera cannot be opened. Choose a file.");
      return;
    }
    if (turn !== this.#turn) {
      // It was allowed too late: the page is left, or a file was chosen.
      for (const track of stream.getTracks()) track.stop();
      return;
    }
    this.#camera = stream;
    this.querySelector("video").srcObject = stream;
    this.#enter("camera");
    this.#part("shoot").focus({ preventScroll: true });
  }

  async #shoot() {
    const video = this.querySelector("video");
    // Before its first frame a video is as large as it will be, and empty.
    if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || !video.currentTime) return;
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    const pen = canvas.getContext("2d");
    // As it was seen: in a mirror.
    pen.translate(canvas.width, 0);
    pen.scale(-1, 1);
    pen.drawImage(video, 0, 0);
    const turn = this.#turn;
    const file = await toFile(canvas);
    if (turn === this.#turn) this.#show(file);
  }

  // --- Sending ----------------------------------------------------------------------------------

  #send(event) {
    if (this.#picture) event.detail.formData.set("picture", this.#picture);
  }

  #answered(event) {
    if (event.detail.xhr.status === 200) this.#enter("read");
    // On a phone it stands below the picture.
    const answer = document.querySelector("#mood-answer > :first-child");
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    answer?.scrollIntoView({ block: "nearest", behavior: calm ? "instant" : "smooth" });
  }

  // The picture is still here, and is only to be sent again: nothing else has to be said or undone (page.js).
  #unsent(event) {
    event.stopPropagation();
    this.#say("The server cannot be reached, so the picture was not read. Try again.");
  }
}

// Why a picture is not read stands where its mood would.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target.id !== "mood-answer" || !detail.serverResponse.includes('id="mood-answer"')) return;
  detail.shouldSwap = true;
  detail.isError = false;
});

// Scroll to the songs for the picture, or the word that was picked: they stand below what was read.
document.addEventListener("htmx:afterSettle", ({ target }) => {
  if (!(target instanceof Element) || !target.closest("#mood-songs")) return;
  const song = document.querySelector("#mood-songs [data-song]");
  if (!song || song.getBoundingClientRect().top < window.innerHeight / 2) return;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  song.scrollIntoView({ block: "center", behavior: calm ? "instant" : "smooth" });
});

customElements.define("mood-picture", MoodPicture);
