// Colours of classes, told apart by all eyes: YlGnBu on light ground, viridis on dark, PuOr around zero.
const RAMPS = {
  light: ["#edf8b1", "#c7e9b4", "#7fcdbb", "#41b6c4", "#1d91c0", "#225ea8", "#0c2c84"],
  dark: ["#46327e", "#365c8d", "#277f8e", "#1fa187", "#4ac16d", "#a0da39", "#fde725"],
};
const BELOW = ["#7f3b08", "#b35806", "#e08214", "#fdb863", "#fee0b6"];
const ABOVE = ["#d8daeb", "#b2abd2", "#8073ac", "#542788", "#2d004b"];
export const GROUND = {
  light: { ground: "#eef1f4", zero: "#d5d9de", line: "#4a5560", chosen: "#000000", waiting: "#c9d1d9", hatch: "#6b7580" },
  dark: { ground: "#14181d", zero: "#3c444d", line: "#0b0e12", chosen: "#ffffff", waiting: "#39424c", hatch: "#8b96a2" },
};
export const ZERO = 100; // class of zeros
export const MISSING = 101;

export function theme() {
  return window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

function spaced(colours, count) {
  if (count <= 1) return [colours[Math.floor(colours.length / 2)]];
  return Array.from({ length: count }, (_, place) =>
    colours[Math.round((place * (colours.length - 1)) / (count - 1))],
  );
}

// One colour for each class, in their order.
export function colours({ breaks, diverging }, shade = theme()) {
  const count = breaks.length + 1;
  if (diverging < 0) return spaced(RAMPS[shade], count);
  return [...spaced(BELOW, diverging), ...spaced(ABOVE, count - diverging)];
}

export function classOf(value, { breaks, zero }) {
  if (value === null) return MISSING;
  if (zero && value === 0) return ZERO;
  let place = 0;
  while (place < breaks.length && value >= breaks[place]) place += 1;
  return place;
}

// The class of each area, by its number.
export function classesOf(figures) {
  const found = new Array(figures.values.length);
  for (let id = 0; id < found.length; id += 1) found[id] = classOf(figures.value(id), figures.details.classes);
  return found;
}

// Hatching for areas without a value, drawn here: no file is needed.
export function hatching(shade = theme(), size = 16) {
  const canvas = Object.assign(document.createElement("canvas"), { width: size, height: size });
  const pen = canvas.getContext("2d");
  pen.fillStyle = GROUND[shade].ground;
  pen.fillRect(0, 0, size, size);
  pen.strokeStyle = GROUND[shade].hatch;
  pen.lineWidth = 2;
  for (let offset = -size; offset <= size; offset += size / 2) {
    pen.beginPath();
    pen.moveTo(offset, size + 1);
    pen.lineTo(offset + size + 1, 0);
    pen.stroke();
  }
  return canvas;
}
