// The interactive map of a layer and of the coarser layers that stand in for it, by MapLibre GL.
import { GROUND, MISSING, ZERO, classesOf, colours, hatching, theme } from "./map-colours.js";
import { loadLibrary } from "./map-files.js";

const PIECES = "areas"; // the layer within every tile
const LONGEST = 600; // milliseconds of a flight
const DEEPER = 6; // zooms beyond the last that has tiles
const PADDING = 16;
const TILE = 512; // pixels of its side
const CLEAR = 9; // pixels of an area's side

export function hasWebgl() {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("webgl2");
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return Boolean(context);
}

// Which layer is shown from which zoom on, the coarsest first.
export function levelsOf(description) {
  if (description.kind === "squares") {
    const deepest = description.levels.at(-1).zoom;
    return description.levels.map((level) => ({
      ...description, ...level, own: true, from: level.zoom, to: level.zoom === deepest ? 24 : level.zoom + 1,
    }));
  }
  const chain = [{ ...description, own: true }];
  for (;;) {
    const first = chain[0].zooms[0];
    const under = (description.coarser ?? []).filter((each) => each.zooms[0] < first && each.areas < chain[0].areas);
    if (!under.length) break;
    chain.unshift(under.reduce((most, each) => (each.areas > most.areas ? each : most)));
  }
  return chain.map((level, place) => ({
    ...level,
    from: level.zooms[0],
    to: place + 1 < chain.length ? chain[place + 1].zooms[0] : 24,
  }));
}

export class Canvas {
  // told: called with what the pointer is on, { level, id, pinned, features }, or null.
  constructor(place, description, base, told, moved) {
    Object.assign(this, { place, description, base, told, moved, painted: new Map(), over: null });
    this.levels = levelsOf(description);
    this.shade = theme();
  }

  async begin(view, label) {
    const maplibre = await loadLibrary();
    const [west, south, east, north] = this.description.view;
    const start = view ?? { bounds: [west, south, east, north], fitBoundsOptions: { padding: PADDING } };
    this.map = new maplibre.Map({
      container: this.place,
      style: this.style(),
      ...start,
      minZoom: Math.max(this.levels[0].from - 0.5, 0),
      maxZoom: this.description.zooms[1] + DEEPER,
      attributionControl: false,
      cooperativeGestures: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      renderWorldCopies: false,
      fadeDuration: 0,
      locale: {},
    });
    this.map.scrollZoom.disable(); // until the map is used, the page scrolls
    this.map.touchZoomRotate.disableRotation();
    this.map.keyboard.disableRotation();
    this.map.addControl(new maplibre.NavigationControl({ showCompass: false }), "top-right");
    this.map.addControl(new maplibre.ScaleControl({ maxWidth: 90 }), "bottom-left");
    this.map.getCanvas().setAttribute("aria-label", label);
    this.listen();
    await this.map.once("load");
  }

  style() {
    const sources = {};
    const layers = [{ id: "ground", type: "background", paint: { "background-color": GROUND[this.shade].ground } }];
    this.levels.forEach((level, place) => {
      const [minzoom, maxzoom] = level.zooms;
      const url = `pmtiles://${new URL(level.tiles, this.base)}`;
      sources[place] = { type: "vector", url, minzoom, maxzoom };
      layers.push(...this.layersOf(level, place));
    });
    return { version: 8, sources, layers };
  }

  // The zoom at which areas are large enough for lines between them.
  clearZoom(level) {
    const count = level.squares ?? level.areas;
    const [west, south, east, north] = this.description.view;
    const square = ((east - west) / 360) * (mercator(north) - mercator(south));
    return Math.log2(CLEAR / (TILE * Math.sqrt(square / count)));
  }

  layersOf(level, place) {
    const common = { source: String(place), "source-layer": PIECES, minzoom: level.from, maxzoom: level.to };
    const ground = GROUND[this.shade];
    const clear = this.clearZoom(level);
    const width = ["interpolate", ["linear"], ["zoom"], clear, 0.4, clear + 6, 1.4];
    const opacity = ["interpolate", ["linear"], ["zoom"], clear - 2, 0, clear, 0.35, clear + 2, 0.6];
    const over = ["case", ["boolean", ["feature-state", "over"], false], 1, 0];
    const line = { "line-color": ground.line, "line-width": width, "line-opacity": opacity };
    const chosen = { "line-color": ground.chosen, "line-width": 2.5, "line-opacity": over };
    return [
      { ...common, id: `areas-${place}`, type: "fill", paint: { "fill-color": ground.waiting, "fill-antialias": false } },
      { ...common, id: `lines-${place}`, type: "line", paint: line },
      { ...common, id: `over-${place}`, type: "line", paint: chosen },
    ];
  }

  // Colours a level by figures; those of a level that is not shown yet may come later.
  paint(place, figures) {
    this.painted.set(place, figures);
    if (this.levels[place].kind === "squares") return this.paintSquares(place, figures);
    const classes = classesOf(figures);
    const ground = GROUND[this.shade];
    const cases = colours(figures.details.classes, this.shade).flatMap((colour, index) => [index, colour]);
    const colour = ["match", ["at", ["id"], ["literal", classes]], ...cases, ZERO, ground.zero, "rgba(0,0,0,0)"];
    const hasMissing = classes.includes(MISSING);
    this.hatch(place, hasMissing);
    this.map.setPaintProperty(`areas-${place}`, "fill-color", colour, { validate: false });
    return undefined;
  }

  // Squares have their count with them.
  paintSquares(place, { details }) {
    const { breaks } = details.classes;
    const [first, ...others] = colours(details.classes, this.shade);
    const steps = others.flatMap((colour, index) => [breaks[index], colour]);
    const colour = steps.length ? ["step", ["get", "count"], first, ...steps] : first;
    this.map.setPaintProperty(`areas-${place}`, "fill-color", colour);
  }

  // Hatching lies below: where an area has no colour of its own, it is seen.
  hatch(place, wanted) {
    const id = `hatch-${place}`;
    if (!this.map.hasImage("hatch")) this.map.addImage("hatch", pixels(hatching(this.shade)), { pixelRatio: 2 });
    if (this.map.getLayer(id)) this.map.removeLayer(id);
    if (!wanted) return;
    const { from, to } = this.levels[place];
    const layer = { id, type: "fill", source: String(place), "source-layer": PIECES, minzoom: from, maxzoom: to };
    this.map.addLayer({ ...layer, paint: { "fill-pattern": "hatch", "fill-antialias": false } }, `areas-${place}`);
  }

  listen() {
    const { map } = this;
    map.on("mousemove", (event) => this.point(event.point, false));
    map.on("mouseout", () => this.leave());
    map.on("click", (event) => this.point(event.point, true));
    for (const used of ["mousedown", "touchstart", "focusin"]) this.place.addEventListener(used, () => map.scrollZoom.enable());
    this.place.addEventListener("mouseleave", () => map.scrollZoom.disable());
    map.getCanvas().addEventListener("keydown", () => map.once("moveend", () => this.centre()));
    map.on("moveend", () => this.moved());
  }

  // Keys have no pointer: the area in the middle is told.
  centre() {
    if (document.activeElement === this.map.getCanvas()) this.point(this.map.project(this.map.getCenter()), true);
  }

  point(point, pinned) {
    const layers = this.levels.map((_, place) => `areas-${place}`);
    const [feature] = this.map.queryRenderedFeatures(point, { layers });
    if (!feature) return this.leave(pinned);
    return this.mark(layers.indexOf(feature.layer.id), feature.id, pinned, feature.properties.count);
  }

  mark(place, id, pinned, count) {
    if (!pinned && this.over?.place === place && this.over.id === id) return;
    this.unmark();
    this.over = { place, id };
    this.map.setFeatureState(this.feature(), { over: true });
    this.told({ place, id, pinned, count });
  }

  feature() {
    return { source: String(this.over.place), sourceLayer: PIECES, id: this.over.id };
  }

  unmark() {
    if (this.over) this.map.setFeatureState(this.feature(), { over: false });
    this.over = null;
  }

  leave(cleared = false) {
    this.unmark();
    this.told(null, cleared);
  }

  // The level that is shown at this zoom.
  get shown() {
    const zoom = this.map.getZoom();
    const found = this.levels.findIndex((level) => zoom >= level.from && zoom < level.to);
    return found < 0 ? 0 : found;
  }

  get view() {
    return { zoom: this.map.getZoom(), center: this.map.getCenter() };
  }

  fly([west, south, east, north]) {
    const own = this.levels.at(-1);
    const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    const camera = this.map.cameraForBounds([west, south, east, north], { padding: 60, maxZoom: this.description.zooms[1] + 2 });
    const zoom = Math.max(camera.zoom, own.from + 0.01);
    this.map.easeTo({ ...camera, zoom, duration: still ? 0 : LONGEST, essential: false });
  }

  whole() {
    const [west, south, east, north] = this.description.bounds;
    this.map.fitBounds([west, south, east, north], { padding: PADDING, animate: false });
  }

  reshade() {
    this.shade = theme();
    if (this.map.hasImage("hatch")) this.map.removeImage("hatch");
    const ground = GROUND[this.shade];
    this.map.setPaintProperty("ground", "background-color", ground.ground);
    this.levels.forEach((_, place) => {
      this.map.setPaintProperty(`lines-${place}`, "line-color", ground.line);
      this.map.setPaintProperty(`over-${place}`, "line-color", ground.chosen);
      if (this.painted.has(place)) this.paint(place, this.painted.get(place));
    });
  }
}

// From 0 to 1, to the north.
function mercator(latitude) {
  return 0.5 + Math.asinh(Math.tan((latitude * Math.PI) / 180)) / (2 * Math.PI);
}

function pixels(canvas) {
  return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
}
