// The card of one area or square: what it is called, and its figure as the database has it.
import { element } from "./map-panels.js";

export function areaCard({ id, code, label }, figures, indicator, words, close) {
  const button = element("button", { type: "button", class: "close", "aria-label": words.say("close") }, "×");
  button.addEventListener("click", close);
  const name = element("p", {}, element("strong", {}, label || code), " ", element("code", {}, label ? code : ""));
  return [button, name, ...(figures ? [figureOf(id, figures, indicator, words)] : [])];
}

export function squareCard(square, count, unit, words) {
  const figure = element("p", { class: "figure" }, element("b", {}, `${words.number(count)} ${unit}`));
  figure.dataset.value = count;
  return [element("p", {}, element("strong", {}, square)), figure];
}

function figureOf(id, figures, { name, description, unit }, words) {
  const value = figures.value(id);
  const { decimals } = figures.details;
  const said = element("p", { class: "figure" }, element("span", {}, description || name));
  if (value === null) {
    const reason = figures.reason(id) || words.say("noReason");
    said.append(element("b", { class: "none" }, `${words.say("missing")}: ${reason}`));
    said.dataset.value = "";
  } else {
    const [shown, exact] = [words.figure(value, decimals), words.number(value, decimals)];
    said.append(element("b", {}, `${shown} ${unit}`));
    if (exact !== shown) said.append(element("small", {}, exact));
    said.dataset.value = decimals === null ? String(value) : value.toFixed(decimals);
  }
  return said;
}
