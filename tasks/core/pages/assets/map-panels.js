// What stands beside a map: legend, distribution, lowest and highest, missing values.
import { GROUND, colours, theme } from "./map-colours.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 320;
const HEIGHT = 90;

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function drawn(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function swatch(colour) {
  const made = element("span", { class: colour ? "swatch" : "swatch hatched", "aria-hidden": "true" });
  if (colour) made.style.background = colour;
  return made;
}

function row(colour, text, count, words) {
  const number = element("span", { class: "count" }, words.counted(count));
  return element("li", {}, swatch(colour), element("span", {}, text), number);
}

export function legend(details, unit, words) {
  const { breaks, counts, zero, zeros } = details.classes;
  const used = colours(details.classes);
  const list = element("ol", { class: "classes" });
  if (zero) list.append(row(GROUND[theme()].zero, words.say("zero"), zeros, words));
  counts.forEach((count, place) => {
    const low = place > 0 ? words.short(breaks[place - 1]) : "";
    const high = place < breaks.length ? words.short(breaks[place]) : "";
    const key = place === 0 ? "under" : place === breaks.length ? "over" : "from";
    const text = breaks.length ? words.say(key, { low, high }) : words.short(details.most[0]?.[3] ?? 0);
    if (count) list.append(row(used[place], text, count, words));
  });
  const missing = details.missing.reduce((sum, [, count]) => sum + count, 0);
  if (missing) list.append(row(null, words.say("missing"), missing, words));
  return [element("p", { class: "unit" }, unit), list];
}

export function missing(details, words) {
  if (!details.missing.length) return [element("p", {}, words.say("noneMissing"))];
  const list = element("ul", { class: "reasons" });
  for (const [reason, count] of details.missing) {
    const text = reason === "another reason" ? words.say("anotherReason") : reason || words.say("noReason");
    list.append(row(null, text, count, words));
  }
  return [element(words.heading, {}, words.say("missingWhy")), list];
}

export function histogram(details, label, words) {
  const { edges, counts, ratio } = details.histogram;
  if (!counts.length) return [];
  const most = Math.max(...counts);
  const width = WIDTH / counts.length;
  const bars = counts.map((count, place) => {
    const height = count ? Math.max(1, (count / most) * HEIGHT) : 0;
    const middle = ratio ? Math.sqrt(edges[place] * edges[place + 1]) : (edges[place] + edges[place + 1]) / 2;
    const place_ = { x: place * width, y: HEIGHT - height, width: Math.max(width - 1, 1), height };
    const title = drawn("title", {}, `${words.short(edges[place])} – ${words.short(edges[place + 1])}: ${words.number(count)}`);
    return drawn("rect", { ...place_, fill: colourOf(middle, details.classes) }, title);
  });
  const [low, high] = [details.least[0]?.[3], details.most[0]?.[3]];
  const said = {
    indicator: label,
    counted: words.counted(details.count),
    low: words.short(details.lowest ?? low),
    high: words.short(high),
    middle: words.short(details.median),
  };
  const sentence = words.say("distributionOf", said);
  const picture = drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": sentence, preserveAspectRatio: "none" }, ...bars);
  const ends = element("p", { class: "ends" }, element("span", {}, words.short(edges[0])), element("span", {}, words.short(edges.at(-1))));
  const notes = [sentence, ratio ? words.say("logarithmic") : "", counts.length > 1 ? words.say("tails") : ""];
  return [element(words.heading, {}, words.say("distribution")), picture, ends, element("p", { class: "note" }, notes.filter(Boolean).join(" "))];
}

function colourOf(value, classes) {
  const place = classes.breaks.filter((each) => value >= each).length;
  return colours(classes)[place];
}

// choose is called with [number, code, name, value, bounds].
export function extremes(details, words, choose, about = "") {
  return ["least", "most"].filter((side) => details[side].length).map((side) => {
    const list = element("ol", {});
    for (const told of details[side]) {
      const [, code, name, value] = told;
      const figure = element("span", { class: "value" }, words.figure(value, details.decimals));
      const button = element("button", { type: "button" }, element("span", {}, name || code), figure);
      if (name) button.firstChild.append(" ", element("code", {}, code));
      button.addEventListener("click", () => choose(told));
      list.append(element("li", {}, button));
    }
    const passed = side === "least" && details.without_zeros;
    const note = passed ? [element("p", { class: "note" }, words.say("withoutZeros", { count: words.number(passed) }))] : [];
    if (about) note.push(element("p", { class: "note" }, about));
    return element("section", { class: side }, element(words.heading, {}, words.say(side)), list, ...note);
  });
}
