// <area-map src="map.<hash>.json" lang="en|fr">: a layer's map with its legend, distribution and extremes.
// Until it is seen, and where WebGL is missing, the picture inside the element stays.
import { readAddress, writeAddress } from "./map-address.js";
import { Canvas, hasWebgl } from "./map-canvas.js";
import { areaCard, squareCard } from "./map-card.js";
import { Figures, Names, json, unpacked } from "./map-files.js";
import { element, extremes, histogram, legend, missing } from "./map-panels.js";
import { Search } from "./map-search.js";
import { Words } from "./map-words.js";

const NEAR = "200px"; // from the window, where a map begins to load
let made = 0;

class AreaMap extends HTMLElement {
  async connectedCallback() {
    if (this.words) return;
    made += 1;
    this.identity = `area-map-${made}`;
    this.words = new Words(this.getAttribute("lang") ?? document.documentElement.lang);
    this.words.heading = `h${this.getAttribute("heading") ?? 3}`;
    this.base = new URL(this.getAttribute("src"), document.baseURI);
    this.picture = this.querySelector("img");
    this.details = new Map();
    this.figures = new Map();
    try {
      this.description = await json(this.base);
      this.build();
      await this.choose(this.first());
      this.dataset.ready = "text";
      this.wait();
    } catch (error) {
      this.fail(error);
    }
  }

  first() {
    const asked = readAddress();
    this.asked = asked?.layer === this.description.layer ? asked : null;
    const known = this.description.indicators.some(({ name }) => name === this.asked?.indicator);
    return known ? this.asked.indicator : this.description.default;
  }

  // ---- what is there before the map ----

  build() {
    const { words, description } = this;
    this.isSquares = description.kind === "squares";
    words.counts = this.isSquares ? "squareCount" : "areas";
    this.names = description.names && new Names(this.base, description.names);
    this.select = element("select", { id: `${this.identity}-indicator` });
    for (const { name, description: about, unit } of description.indicators)
      this.select.append(element("option", { value: name }, this.labelOf({ description: about, unit })));
    this.select.addEventListener("change", () => this.choose(this.select.value));
    this.search = new Search(words, this.names, (area) => this.go(area));
    const picked = element("div", { class: "picked" }, element("label", { for: this.select.id }, words.say("indicator")), this.select);
    this.stage = element("div", { class: "stage" });
    this.card = element("div", { class: "card", hidden: "", "aria-live": "polite" });
    this.note = element("p", { class: "note stand", role: "status" });
    this.panels = Object.fromEntries(
      ["legend", "missing", "histogram", "extremes"].map((name) => [name, element("div", { class: name })]),
    );
    const { legend: side, missing: why, ...rest } = this.panels;
    const sides = element("div", { class: "sides" }, element(words.heading, {}, words.say("legend")), side, why);
    if (this.picture) this.stage.append(this.picture);
    this.stage.append(this.card);
    const bar = element("div", { class: "bar" }, picked, this.isSquares ? "" : this.search.element);
    const main = element("div", { class: "main" }, element("div", { class: "drawing" }, this.stage, this.note), sides);
    const rows = description.without_geometry;
    const lost = rows ? [element("p", { class: "note" }, words.say("noGeometry", { count: words.number(rows) }))] : [];
    this.replaceChildren(bar, main, ...lost, element("div", { class: "below" }, ...Object.values(rest)));
  }

  async choose(name) {
    if (!name) return this.say(this.words.say("noIndicator"));
    this.indicator = this.description.indicators.find((each) => each.name === name);
    this.select.value = name;
    const details = await this.detailsOf(this.description, name);
    if (this.indicator.name !== name) return undefined; // another was chosen meanwhile
    this.fill(details);
    this.turn = null;
    await this.rest(); // a card of the other indicator is of no use
    if (this.canvas) await this.paint();
    return this.remember();
  }

  squareOf(level) {
    return level ? this.words.say("square", { metres: this.words.length(level.metres) }) : "";
  }

  // What an indicator is called; points are counted, which only the page can say in its language.
  labelOf({ description: about, unit }) {
    return about ? `${about} (${unit})` : this.words.say("count", { layer: unit });
  }

  fill(details) {
    const { words, panels, indicator } = this;
    const { name, description: about } = indicator;
    const label = about || this.labelOf(indicator);
    panels.legend.replaceChildren(...legend(details, this.labelOf(indicator), words));
    panels.missing.replaceChildren(...missing(details, words));
    panels.histogram.replaceChildren(...histogram(details, label, words));
    const go = ([id, code, label_, , bounds]) => this.go({ id, code, label: label_, bounds });
    panels.extremes.replaceChildren(...extremes(details, words, go, this.squareOf(this.description.levels?.at(-1))));
    this.dataset.indicator = name;
  }

  // Details and figures of the layer itself, or of one that stands in for it.
  async detailsOf(level, name) {
    if (this.isSquares) return (level.zoom === undefined ? this.description.levels.at(-1) : level).details;
    const isOwn = level.layer === this.description.layer;
    if (isOwn && this.description.details?.name === name) return this.description.details;
    const file = isOwn ? this.description.indicators.find((each) => each.name === name).details : level.details[name];
    if (!file) return null;
    if (!this.details.has(file)) this.details.set(file, json(new URL(file, this.base)));
    return this.details.get(file);
  }

  async figuresOf(level, name) {
    const details = await this.detailsOf(level, name);
    if (!details || this.isSquares) return details && { details };
    const key = `${level.layer}/${name}`;
    if (!this.figures.has(key)) {
      const made_ = unpacked(new URL(details.file, this.base)).then((bytes) => new Figures(details, bytes, level.areas));
      this.figures.set(key, made_);
    }
    return this.figures.get(key);
  }

  // ---- the map ----

  wait() {
    if (!this.description.tiles) return this.say("");
    if (!hasWebgl()) {
      const shown = this.description.indicators.find(({ name }) => name === this.description.default);
      this.dataset.ready = "picture";
      return this.say(this.words.say("noWebgl", { indicator: shown?.description ?? "" }));
    }
    const seen = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      seen.disconnect();
      this.draw().catch((error) => this.fail(error));
    }, { rootMargin: NEAR });
    seen.observe(this.stage);
    if (this.asked) this.scrollIntoView();
    return undefined;
  }

  async draw() {
    const place = element("div", { class: "canvas" });
    this.stage.prepend(place);
    this.say(this.words.say("loading"));
    const told = (over, cleared) => {
      if (cleared) this.area = null;
      this.tell(over).catch((error) => this.fail(error));
    };
    const canvas = new Canvas(place, this.description, this.base, told, () => this.moved());
    const label = `${this.words.say("map", { layer: this.words.layer(this.description.layer), indicator: this.indicator?.description ?? "" })}. ${this.words.say("mapHelp")}`;
    await canvas.begin(this.asked?.at, label);
    this.canvas = canvas;
    this.stage.classList.add("drawn");
    const home = element("button", { type: "button", class: "whole" }, this.words.say("whole"));
    home.addEventListener("click", () => canvas.whole());
    this.stage.append(home);
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.reshade());
    await this.paint();
    if (this.asked?.area) await this.find(this.asked.area);
    this.dataset.ready = "map";
  }

  async paint() {
    const { canvas, indicator } = this;
    const place = canvas.shown;
    this.stand(place);
    if (!indicator) return;
    const figures = await this.figuresOf(canvas.levels[place], indicator.name);
    if (this.indicator !== indicator || !figures || canvas.painted.get(place)?.details === figures.details) return;
    canvas.paint(place, figures);
    this.dataset.painted = `${canvas.levels[place].layer}/${indicator.name}`;
  }

  // Says which layer is seen; another one has classes of its own.
  async stand(place) {
    const { words, description, canvas } = this;
    const level = canvas.levels[place];
    const names = { layer: words.layer(level.layer), own: words.layer(description.layer), count: words.number(level.areas) };
    const metres = this.isSquares && words.length(level.metres);
    this.say(metres ? words.say("squares", { metres }) : level.own ? "" : words.say("stand", names));
    if (this.standing === place || !this.indicator) return;
    this.standing = place;
    const details = await this.detailsOf(level, this.indicator.name);
    if (details) this.panels.legend.replaceChildren(...legend(details, this.labelOf(this.indicator), words));
    if (this.isSquares) this.panels.histogram.replaceChildren(...histogram(details, this.labelOf(this.indicator), words));
  }

  moved() {
    if (!this.canvas) return;
    this.paint().catch((error) => this.fail(error));
    this.remember();
  }

  remember() {
    if (!this.canvas || !this.used()) return;
    const { layer } = this.description;
    writeAddress({ layer, indicator: this.indicator?.name, view: this.canvas.view, area: this.area?.code });
  }

  // An address is written for the map that a person uses, not for each that is drawn.
  used() {
    this.touched ||= this.matches(":focus-within, :hover");
    return this.touched;
  }

  reshade() {
    this.canvas.reshade();
    if (!this.indicator) return; // borders alone
    this.detailsOf(this.description, this.indicator.name).then((details) => this.fill(details));
    this.standing = null;
    this.stand(this.canvas.shown);
  }

  // ---- an area ----

  async tell(over) {
    this.turn = over;
    if (!over) return this.rest();
    const level = this.canvas.levels[over.place];
    if (this.isSquares) return this.showSquare(level, over.count);
    const names = level.own ? this.names : (level.reader ??= new Names(this.base, level.names));
    const figures = this.indicator ? await this.figuresOf(level, this.indicator.name) : null;
    const area = await names.of(over.id);
    if (this.turn !== over) return; // the pointer is elsewhere by now
    if (over.pinned) this.area = level.own ? area : null;
    this.show(area, figures);
    if (over.pinned) this.remember();
  }

  // The pointer is on no area: the one that was chosen stays.
  async rest() {
    const { area, indicator } = this;
    if (!area) {
      this.card.hidden = true;
      return;
    }
    const figures = indicator ? await this.figuresOf(this.description, indicator.name) : null;
    if (this.turn === null && this.area === area) this.show(area, figures);
  }

  showSquare(level, count) {
    this.card.replaceChildren(...squareCard(this.squareOf(level), count, this.indicator.unit, this.words));
    this.card.hidden = false;
  }

  show(area, figures) {
    const { words, card, indicator } = this;
    card.replaceChildren(...areaCard(area, figures, indicator, words, () => this.unpin()));
    card.dataset.code = area.code;
    card.hidden = false;
  }

  unpin() {
    this.area = null;
    this.card.hidden = true;
    this.canvas?.unmark();
    this.remember();
  }

  async find(code) {
    const { first } = await this.names.search(code, 50);
    const area = first.find((each) => each.code === code);
    if (area) await this.go(area, Boolean(this.asked.at));
  }

  async go(area, stay = false) {
    if (this.isSquares) return this.canvas?.fly(area.bounds);
    this.area = area;
    this.touched = true;
    const figures = this.indicator ? await this.figuresOf(this.description, this.indicator.name) : null;
    this.show(area, figures);
    if (!this.canvas) return;
    this.canvas.unmark();
    this.canvas.over = { place: this.canvas.levels.length - 1, id: area.id };
    this.canvas.map.setFeatureState(this.canvas.feature(), { over: true });
    if (area.bounds && !stay) this.canvas.fly(area.bounds);
    this.remember();
  }

  say(text) {
    this.note.textContent = text;
  }

  fail(error) {
    console.warn(error);
    this.dataset.ready = "failed";
    this.stage?.classList.remove("drawn");
    this.stage?.querySelector(".canvas")?.remove();
    if (this.note) this.say(this.words.say("failed", { reason: error.message }));
  }
}

customElements.define("area-map", AreaMap);
