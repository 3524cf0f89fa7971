// <area-map src="map.<hash>.json" lang="en|fr">: a layer's map with its legend, distribution and extremes.
// Until it is seen, and where WebGL is missing, the picture inside the element stays.
import { readAddress, writeAddress } from "./map-address.js";
import { Canvas, hasWebgl } from "./map-canvas.js";
import { areaCard, squareCard } from "./map-card.js";
import { Names, json } from "./map-files.js";
import { frame } from "./map-frame.js";
import { Layer } from "./map-layer.js";
import { whenNear } from "./map-near.js";
import { element, extremes, histogram, legend, missing } from "./map-panels.js";
import { Search } from "./map-search.js";
import { Words } from "./map-words.js";

const FAR = "800px"; // from the window, where a description is asked for
const NEAR = "200px"; // where a map begins to load
let made = 0;

class AreaMap extends HTMLElement {
  connectedCallback() {
    if (this.words) return;
    made += 1;
    this.identity = `area-map-${made}`;
    this.words = new Words(this.getAttribute("lang") ?? document.documentElement.lang);
    this.words.heading = `h${this.getAttribute("heading") ?? 3}`;
    this.base = new URL(this.getAttribute("src"), document.baseURI);
    this.picture = this.querySelector("img");
    if (readAddress()?.layer === this.getAttribute("layer")) return void this.begin();
    whenNear(this, FAR, () => this.begin());
  }

  async begin() {
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
    this.layer = new Layer(description, this.base, words);
    words.counts = this.layer.isSquares ? "squareCount" : "areas";
    this.names = description.names && new Names(this.base, description.names);
    const search = this.names && new Search(words, this.names, (area) => this.go(area));
    const { children, ...parts } = frame(this.layer, search?.element ?? "", this.picture, `${this.identity}-indicator`);
    Object.assign(this, parts); // select, stage, card, note, panels
    this.select.addEventListener("change", () => this.choose(this.select.value));
    this.replaceChildren(...children);
  }

  async choose(name) {
    if (!name) return this.say(this.words.say("noIndicator"));
    this.indicator = this.layer.indicator(name);
    this.select.value = name;
    const details = await this.layer.details(this.description, name);
    if (this.indicator.name !== name) return undefined; // another was chosen meanwhile
    this.fill(details);
    this.turn = null;
    await this.rest(); // a card of the other indicator is of no use
    if (this.canvas) await this.paint();
    return this.remember();
  }

  fill(details) {
    const { words, panels, indicator } = this;
    const { name, description: about } = indicator;
    const label = about || this.layer.label(indicator);
    panels.legend.replaceChildren(...legend(details, this.layer.label(indicator), words));
    panels.missing.replaceChildren(...missing(details, words));
    panels.histogram.replaceChildren(...histogram(details, label, words));
    const go = ([id, code, label_, , bounds]) => this.go({ id, code, label: label_, bounds });
    panels.extremes.replaceChildren(...extremes(details, words, go, this.layer.square(this.description.levels?.at(-1))));
    this.dataset.indicator = name;
  }

  // ---- the map ----

  wait() {
    if (!this.description.tiles) return this.say("");
    if (!hasWebgl()) {
      const shown = this.description.indicators.find(({ name }) => name === this.description.default);
      this.dataset.ready = "picture";
      return this.say(this.words.say("noWebgl", { indicator: shown?.description ?? "" }));
    }
    whenNear(this.stage, NEAR, () => this.draw().catch((error) => this.fail(error)));
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
    const figures = await this.layer.figures(canvas.levels[place], indicator.name);
    if (this.indicator !== indicator || !figures || canvas.painted.get(place)?.details === figures.details) return;
    canvas.paint(place, figures);
    this.dataset.painted = `${canvas.levels[place].layer}/${indicator.name}`;
  }

  // Says which layer is seen; another one has classes of its own.
  async stand(place) {
    const { words, description, canvas } = this;
    const level = canvas.levels[place];
    const names = { layer: words.layer(level.layer), own: words.layer(description.layer), count: words.number(level.areas) };
    const metres = this.layer.isSquares && words.length(level.metres);
    this.say(metres ? words.say("squares", { metres }) : level.own ? "" : words.say("stand", names));
    if (this.standing === place || !this.indicator) return;
    this.standing = place;
    const details = await this.layer.details(level, this.indicator.name);
    if (details) this.panels.legend.replaceChildren(...legend(details, this.layer.label(this.indicator), words));
    if (this.layer.isSquares) this.panels.histogram.replaceChildren(...histogram(details, this.layer.label(this.indicator), words));
  }

  moved() {
    if (!this.canvas) return;
    this.paint().catch((error) => this.fail(error));
    this.remember();
  }

  // An address is written for the map that a person uses, not for each that is drawn.
  remember() {
    this.touched ||= this.matches(":focus-within, :hover");
    if (!this.canvas || !this.touched) return;
    const { layer } = this.description;
    writeAddress({ layer, indicator: this.indicator?.name, view: this.canvas.view, area: this.area?.code });
  }

  reshade() {
    this.canvas.reshade();
    if (!this.indicator) return; // borders alone
    this.layer.details(this.description, this.indicator.name).then((details) => this.fill(details));
    this.standing = null;
    this.stand(this.canvas.shown);
  }

  // ---- an area ----

  async tell(over) {
    this.turn = over;
    if (!over) return this.rest();
    const level = this.canvas.levels[over.place];
    if (this.layer.isSquares) return this.showSquare(level, over.count);
    const names = level.own ? this.names : (level.reader ??= new Names(this.base, level.names));
    const figures = this.indicator ? await this.layer.figures(level, this.indicator.name) : null;
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
    const figures = indicator ? await this.layer.figures(this.description, indicator.name) : null;
    if (this.turn === null && this.area === area) this.show(area, figures);
  }

  showSquare(level, count) {
    this.card.replaceChildren(...squareCard(this.layer.square(level), count, this.indicator.unit, this.words));
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
    if (this.layer.isSquares) return this.canvas?.fly(area.bounds);
    this.area = area;
    this.touched = true;
    const figures = this.indicator ? await this.layer.figures(this.description, this.indicator.name) : null;
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
