// The frame of a map: what is there before anything is drawn.
import { element } from "./map-panels.js";

const PANELS = ["legend", "missing", "histogram", "extremes"];

// search, picture: elements that exist already, or nothing.
export function frame(layer, search, picture, identity) {
  const { words, description } = layer;
  const select = element("select", { id: identity });
  for (const indicator of description.indicators)
    select.append(element("option", { value: indicator.name }, layer.label(indicator)));
  const picked = element("div", { class: "picked" }, element("label", { for: identity }, words.say("indicator")), select);
  const card = element("div", { class: "card", hidden: "", "aria-live": "polite" });
  const stage = element("div", { class: "stage" }, picture ?? "", card);
  const note = element("p", { class: "note stand", role: "status" });
  const panels = Object.fromEntries(PANELS.map((name) => [name, element("div", { class: name })]));
  const heading = element(words.heading, {}, words.say("legend"));
  const sides = element("div", { class: "sides" }, heading, panels.legend, panels.missing);
  const children = [
    element("div", { class: "bar" }, picked, search),
    element("div", { class: "main" }, element("div", { class: "drawing" }, stage, note), sides),
    ...lost(description.without_geometry, words),
    element("div", { class: "below" }, panels.histogram, panels.extremes),
  ];
  return { select, stage, card, note, panels, children };
}

function lost(rows, words) {
  return rows ? [element("p", { class: "note" }, words.say("noGeometry", { count: words.number(rows) }))] : [];
}
