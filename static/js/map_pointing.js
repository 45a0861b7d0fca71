// Mouse, finger and keyboard on the canvas of the map: what they ask of <song-map> (map.js).

const REACH_MOUSE = 9;
const REACH_FINGER = 22;
const CLICK_MOVES = 5;
const LARGEST_TURN = 120;
const TURN = 0.003;
const PINCH = 0.01;
const LINE = 30;
const ZOOM_STEP = 1.6;
const PAN_STEP = 0.18;
const STEPS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

export class Pointing {
  constructor(map, signal) {
    this.map = map;
    this.canvas = map.drawing.canvas;
    this.pointers = new Map();
    const on = (name, answer, options = {}) => this.canvas.addEventListener(name, answer, { signal, ...options });
    on("pointerdown", (event) => this.#down(event, this.#at(event)));
    on("pointermove", (event) => this.#move(event, this.#at(event)));
    for (const end of ["pointerup", "pointercancel"]) on(end, (event) => this.#up(event, this.#at(event)));
    on("pointerleave", ({ pointerType, relatedTarget }) => {
      if (pointerType === "mouse" && !this.pointers.size) map.leave(relatedTarget);
    });
    for (const under of [this.canvas, map.piece("card")])
      under.addEventListener("wheel", (event) => this.#wheel(event), { signal, passive: false });
    on("keydown", (event) => this.#key(event));
  }

  /** @returns {[number, number]} */
  #at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  #nearest(x, y, reach) {
    const { map } = this;
    return map.points.nearest(...map.place(x, y), (reach + map.radius) / map.view.scale);
  }

  #wheel(event) {
    event.preventDefault();
    const turned = Math.max(-LARGEST_TURN, Math.min(LARGEST_TURN, event.deltaY * (event.deltaMode ? LINE : 1)));
    this.map.zoom(Math.exp(-turned * (event.ctrlKey ? PINCH : TURN)), ...this.#at(event));
  }

  #down(event, [x, y]) {
    if (event.button) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, { x, y, fromX: x, fromY: y, far: false });
    if (!this.map.looping) return;
    // A second finger zooms: no loop is drawn with two.
    if (this.pointers.size === 1) this.map.beginLoop(this.map.place(x, y));
    else this.map.dropLoop();
  }

  #move(event, [x, y]) {
    const { map } = this;
    const pointer = this.pointers.get(event.pointerId);
    if (!pointer) {
      if (event.pointerType === "mouse" && !map.looping) map.hover(this.#nearest(x, y, REACH_MOUSE));
      return;
    }
    const before = { ...pointer };
    Object.assign(pointer, {
      x,
      y,
      far: pointer.far || Math.hypot(x - pointer.fromX, y - pointer.fromY) > CLICK_MOVES,
    });
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const was = Math.hypot(before.x - other.x, before.y - other.y);
      const is = Math.hypot(x - other.x, y - other.y);
      other.far = pointer.far = true;
      map.pan((x - before.x) / 2, (y - before.y) / 2);
      if (was > 0 && is > 0) map.zoom(is / was, (x + other.x) / 2, (y + other.y) / 2);
    } else if (map.looping) map.drawLoop(map.place(x, y));
    else if (pointer.far) map.pan(x - before.x, y - before.y);
  }

  #up(event, [x, y]) {
    const { map } = this;
    const pointer = this.pointers.get(event.pointerId);
    if (!this.pointers.delete(event.pointerId) || this.pointers.size) return;
    if (map.looping) {
      if (pointer.far && event.type === "pointerup") map.closeLoop();
      else map.dropLoop();
      return;
    }
    if (pointer.far || event.type === "pointercancel") return;
    const finger = event.pointerType !== "mouse";
    const i = this.#nearest(x, y, finger ? REACH_FINGER : REACH_MOUSE);
    // A finger hides what it points at: the first tap says what it is.
    if (i >= 0 && finger && i !== map.hovered) map.hover(i, "Tap again to play it");
    else if (i >= 0) map.play(i);
    else map.hover(-1);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey !== (event.key === "+" && event.shiftKey))
      return;
    const { map } = this;
    const step = STEPS[event.key];
    if (step) map.pan(step[0] * PAN_STEP * this.canvas.clientWidth, step[1] * PAN_STEP * this.canvas.clientHeight);
    else if (event.key === "+" || event.key === "=") map.zoom(ZOOM_STEP);
    else if (event.key === "-") map.zoom(1 / ZOOM_STEP);
    else if (event.key === "0" || event.key === "Home") map.whole(false);
    else if (event.key === "Enter" && map.hovered >= 0) map.play(map.hovered);
    else if (event.key !== "Enter") return;
    event.preventDefault();
    if (event.key !== "Enter") map.aim();
  }
}
