// A search box over the codes and names of a layer, reached and used by keys alone.
import { element } from "./map-panels.js";

const MOST = 20;
const PATIENCE = 150; // milliseconds after the last letter
let made = 0;

export class Search {
  constructor(words, names, choose) {
    Object.assign(this, { words, names, choose, asked: 0, active: -1, found: [] });
    made += 1;
    const identity = `area-map-found-${made}`;
    this.list = element("ul", { id: identity, role: "listbox", "aria-label": words.say("find"), hidden: "" });
    this.input = element("input", {
      type: "search", role: "combobox", autocomplete: "off", spellcheck: "false", id: `${identity}-box`,
      placeholder: words.say("findHint"), "aria-expanded": "false", "aria-controls": identity, "aria-autocomplete": "list",
    });
    this.status = element("p", { class: "status", role: "status" });
    const label = element("label", { for: `${identity}-box` }, words.say("find"));
    this.element = element("div", { class: "search" }, label, this.input, this.list, this.status);
    this.input.addEventListener("input", () => this.later());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => this.close());
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), PATIENCE);
  }

  async look() {
    const text = this.input.value.trim();
    this.asked += 1;
    const turn = this.asked;
    if (!text) return this.show([], "");
    this.status.textContent = this.words.say("loadingNames");
    const { first, count } = await this.names.search(text, MOST);
    if (turn !== this.asked) return undefined; // more was typed meanwhile
    return this.show(first, this.said(first.length, count));
  }

  said(listed, count) {
    const key = count === 0 ? "foundNone" : count === 1 ? "foundOne" : "found";
    const more = listed < count ? `, ${this.words.say("foundMore", { count: listed })}` : "";
    return this.words.say(key, { count: this.words.number(count) }) + more;
  }

  show(found, said) {
    this.found = found;
    this.active = -1;
    this.input.removeAttribute("aria-activedescendant");
    this.status.textContent = said;
    const options = found.map((area, place) => {
      const option = element("li", { role: "option", id: `${this.list.id}-${place}`, "aria-selected": "false" });
      option.append(area.label || area.code, " ", element("code", {}, area.label ? area.code : ""));
      option.addEventListener("mousedown", (event) => {
        event.preventDefault(); // the box keeps the focus
        this.take(place);
      });
      return option;
    });
    this.list.replaceChildren(...options);
    this.list.hidden = !found.length;
    this.input.setAttribute("aria-expanded", String(Boolean(found.length)));
  }

  key(event) {
    if (event.key === "Escape") return this.close();
    if (event.key === "Enter") return this.enter(event);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !this.found.length) return undefined;
    event.preventDefault();
    return this.mark((this.active + step + this.found.length) % this.found.length);
  }

  mark(place) {
    this.list.children[this.active]?.setAttribute("aria-selected", "false");
    this.active = place;
    const option = this.list.children[place];
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", option.id);
  }

  async enter(event) {
    event.preventDefault();
    if (!this.found.length) {
      clearTimeout(this.timer);
      await this.look();
    }
    if (this.found.length) this.take(Math.max(this.active, 0));
  }

  take(place) {
    const area = this.found[place];
    this.close();
    this.choose(area);
  }

  close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
  }
}
