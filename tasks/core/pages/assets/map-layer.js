// The indicators of a layer: their details and figures, of itself or of a layer that stands in for it.
import { Figures, json, unpacked } from "./map-files.js";

export class Layer {
  constructor(description, base, words) {
    Object.assign(this, { description, base, words, asked: new Map() });
    this.isSquares = description.kind === "squares";
  }

  indicator(name) {
    return this.description.indicators.find((each) => each.name === name);
  }

  // What an indicator is called; points are counted, which only the page can say in its language.
  label({ description, unit }) {
    return description ? `${description} (${unit})` : this.words.say("count", { layer: unit });
  }

  square(level) {
    return level ? this.words.say("square", { metres: this.words.length(level.metres) }) : "";
  }

  // null where the layer that stands in has no such indicator.
  async details(level, name) {
    const { description } = this;
    if (this.isSquares) return (level.zoom === undefined ? description.levels.at(-1) : level).details;
    const isOwn = level.layer === description.layer;
    if (isOwn && description.details?.name === name) return description.details;
    const file = isOwn ? this.indicator(name).details : level.details[name];
    return file ? this.once(file, () => json(new URL(file, this.base))) : null;
  }

  async figures(level, name) {
    const details = await this.details(level, name);
    if (!details || this.isSquares) return details && { details };
    const read = async () => new Figures(details, await unpacked(new URL(details.file, this.base)), level.areas);
    return this.once(`${level.layer}/${name}`, read);
  }

  once(key, ask) {
    if (!this.asked.has(key)) this.asked.set(key, ask());
    return this.asked.get(key);
  }
}
