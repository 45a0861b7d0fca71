// Draws the map: thousands of dots straight into the pixels of one picture, which is quicker than to ask the canvas for
// each; then, on top, the few things that are drawn as lines.

const LARGEST_RATIO = 2;

export const FADED = 255;

// A round spot and a ring as how much of each pixel they cover, 0 to 256.
function spot(radius, inner = 0) {
  const reach = Math.ceil(radius);
  const size = 2 * reach + 1;
  const cover = new Int32Array(size * size);
  for (let y = -reach; y <= reach; y += 1) {
    for (let x = -reach; x <= reach; x += 1) {
      const far = Math.hypot(x, y);
      const filled =
        Math.min(1, Math.max(0, radius - far + 0.5)) * (inner ? Math.min(1, Math.max(0, far - inner + 0.5)) : 1);
      cover[(y + reach) * size + x + reach] = Math.round(256 * filled);
    }
  }
  return { reach, size, cover };
}

// Boxes that touch do not overlap, however the sums are rounded.
const ROUNDING = 0.01;
const overlaps = (box, other) =>
  Math.abs(box.x - other.x) < box.half + other.half - ROUNDING &&
  Math.abs(box.y - other.y) < box.tall + other.tall - ROUNDING;

// Where a box goes so that it lies under none of the boxes that cover the picture: the nearest place below or beside one.
// A box is its middle { x, y }, and half its width and height { half, tall }.
export function clearOf(box, covering, width) {
  const besides = covering.flatMap((over) => [
    { ...box, y: over.y + over.tall + box.tall },
    { ...box, x: over.x - over.half - box.half },
    { ...box, x: over.x + over.half + box.half },
  ]);
  const inside = ({ x }) => x === box.x || (x >= box.half && x <= width - box.half);
  const free = [box, ...besides].filter((place) => inside(place) && !covering.some((over) => overlaps(place, over)));
  const far = ({ x, y }) => Math.hypot(x - box.x, y - box.y);
  return free.reduce((nearest, place) => (far(place) < far(nearest) ? place : nearest), free[0] || box);
}

function numbersOf(colour) {
  return colour
    .match(/[\d.]+/g)
    .slice(0, 3)
    .map(Number);
}

export class Drawing {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    this.frames = 0;
    this.dots = 0;
    this.covering = [];
    this.written = [];
    this.resize();
  }

  resize() {
    const { clientWidth, clientHeight } = this.canvas;
    this.ratio = Math.min(LARGEST_RATIO, window.devicePixelRatio || 1);
    this.width = Math.max(1, Math.round(clientWidth * this.ratio));
    this.height = Math.max(1, Math.round(clientHeight * this.ratio));
    this.canvas.width = this.width;
    this.canvas.height = this.height;
    this.image = this.context.createImageData(this.width, this.height);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }

  // What lies over the canvas, and is not to hide names: elements, none of them across all of it.
  cover(elements) {
    const { left, top } = this.canvas.getBoundingClientRect();
    this.covering = elements.map((element) => {
      const box = element.getBoundingClientRect();
      return {
        x: (box.left + box.width / 2 - left) * this.ratio,
        y: (box.top + box.height / 2 - top) * this.ratio,
        half: (box.width / 2) * this.ratio,
        tall: (box.height / 2) * this.ratio,
      };
    });
  }

  // colours: { ground, text, accent, faded, dots: [other, first of the legend, ...] }, as the browser computes them.
  paint(colours) {
    this.colours = colours;
    this.rgb = {
      ground: numbersOf(colours.ground),
      text: numbersOf(colours.text),
      faded: numbersOf(colours.faded),
      dots: colours.dots.map(numbersOf),
    };
    const [r, g, b] = this.rgb.ground;
    this.ground = (255 << 24) | (b << 16) | (g << 8) | r;
  }

  // points; view: { x, y, scale }, the place in the middle and how many CSS pixels one step of the map is;
  // tone: for each song its colour, FADED for pale; ringed: songs with a ring; radius in CSS pixels.
  // captions: { text, x, y, size, beside }, places of the map and CSS pixels; beside a dot, or over the place.
  draw({ points, view, tone, ringed, radius, marks, loop, captions }) {
    const { width, height, ratio } = this;
    const scale = view.scale * ratio;
    const left = view.x - width / 2 / scale;
    const top = view.y - height / 2 / scale;
    const margin = (2 * radius * ratio + 2) / scale;
    this.pixels.fill(this.ground);
    this.dots = 0;
    const whole = spot(radius * ratio);
    const small = spot(Math.max(0.8, 0.75 * radius * ratio));
    // What is pale or has no colour of the legend lies under what has.
    for (const under of [true, false]) {
      points.near(left - margin, top - margin, left + width / scale + margin, top + height / scale + margin, (i) => {
        const colour = tone[i];
        if ((colour === 0 || colour === FADED) !== under) return;
        const rgb = colour === FADED ? this.rgb.faded : this.rgb.dots[colour];
        this.#stamp(colour === FADED ? small : whole, (points.x[i] - left) * scale, (points.y[i] - top) * scale, rgb);
        this.dots += 1;
      });
    }
    const ring = spot((radius + 2.4) * ratio, (radius + 1) * ratio);
    for (const i of ringed) {
      if (!points.gone[i] && tone[i] !== FADED)
        this.#stamp(ring, (points.x[i] - left) * scale, (points.y[i] - top) * scale, this.rgb.text);
    }
    this.context.putImageData(this.image, 0, 0);
    const onScreen = (x, y) => [(x - left) * scale, (y - top) * scale];
    this.#write(onScreen, captions, (radius + 4) * ratio);
    this.#lines(points, onScreen, { radius, marks, loop });
    this.frames += 1;
  }

  #stamp({ reach, size, cover }, x, y, [r, g, b]) {
    const { width, height, pixels } = this;
    const left = Math.round(x) - reach;
    const top = Math.round(y) - reach;
    const solid = (255 << 24) | (b << 16) | (g << 8) | r;
    const toX = Math.min(size, width - left);
    const toY = Math.min(size, height - top);
    const fromX = Math.max(0, -left);
    for (let row = Math.max(0, -top); row < toY; row += 1) {
      let at = (top + row) * width + left + fromX;
      for (let k = row * size + fromX, end = row * size + toX; k < end; k += 1, at += 1) {
        const part = cover[k];
        if (part === 256) pixels[at] = solid;
        else if (part) {
          const under = pixels[at];
          const red = under & 255;
          const green = (under >> 8) & 255;
          const blue = (under >> 16) & 255;
          pixels[at] =
            (255 << 24) |
            ((blue + (((b - blue) * part) >> 8)) << 16) |
            ((green + (((g - green) * part) >> 8)) << 8) |
            (red + (((r - red) * part) >> 8));
        }
      }
    }
  }

  #write(onScreen, captions, away) {
    const { context, ratio, colours } = this;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    this.written = [];
    for (const { text, x, y, size, beside } of captions) {
      context.font = `600 ${size * ratio}px ${colours.font}`;
      context.lineWidth = 4 * ratio;
      const [at, height] = onScreen(x, y);
      const half = context.measureText(text).width / 2 + 4 * ratio;
      // Right of its dot, or left of it where the picture ends.
      const side = at + away + 2 * half > this.width ? -1 : 1;
      const middle = beside ? at + side * (away + half) : at;
      // What lies at the edge is read to its end all the same.
      const place = { x: Math.min(Math.max(middle, half), this.width - half), y: Math.max(height, size * ratio) };
      const box = clearOf({ ...place, half, tall: 0.6 * size * ratio }, this.covering, this.width);
      // The names of more songs come first.
      if (this.written.some((other) => overlaps(box, other))) continue;
      this.written.push({ text, ...box });
      context.strokeStyle = colours.ground;
      context.strokeText(text, box.x, box.y);
      context.fillStyle = colours.text;
      context.fillText(text, box.x, box.y);
    }
  }

  #lines(points, onScreen, { radius, marks, loop }) {
    const { context, ratio, colours } = this;
    for (const { song, colour, wide } of marks) {
      const [x, y] = onScreen(points.x[song], points.y[song]);
      context.beginPath();
      context.arc(x, y, (radius + wide) * ratio, 0, 2 * Math.PI);
      context.lineWidth = 2.5 * ratio;
      context.strokeStyle = colours[colour];
      context.stroke();
    }
    if (loop.length < 2) return;
    context.beginPath();
    loop.forEach(([x, y], k) => context[k ? "lineTo" : "moveTo"](...onScreen(x, y)));
    context.closePath();
    context.globalAlpha = 0.12;
    context.fillStyle = colours.accent;
    context.fill();
    context.globalAlpha = 1;
    context.lineWidth = 2 * ratio;
    context.strokeStyle = colours.accent;
    context.stroke();
  }
}
