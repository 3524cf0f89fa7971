// Files beside the description: packed values, names, and the library that draws.
const LIBRARY = { maplibre: "./maplibre-gl.js.gz", pmtiles: "./pmtiles.js.gz", style: "./maplibre-gl.css.gz" };
const GZIP = [0x1f, 0x8b];
const NO_VALUE = -2147483648;

async function received(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address.pathname ?? address}: ${answer.status}`);
  return answer;
}

// Bytes as they were before packing; a server may have unpacked them already.
export async function unpacked(address) {
  const bytes = new Uint8Array(await (await received(address)).arrayBuffer());
  if (bytes[0] !== GZIP[0] || bytes[1] !== GZIP[1]) return bytes;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

export async function json(address) {
  return (await received(address)).json();
}

// The figures of one indicator, by the number of the area.
export class Figures {
  constructor(details, bytes, count) {
    this.details = details;
    this.isWhole = details.type === "int32";
    const width = this.isWhole ? 4 : 8;
    const part = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + count * width);
    this.values = this.isWhole ? new Int32Array(part) : new Float64Array(part);
    this.reasons = bytes.subarray(count * width);
    this.scale = this.isWhole ? 10 ** details.decimals : 1;
  }

  isMissing(id) {
    const value = this.values[id];
    return value === undefined || (this.isWhole ? value === NO_VALUE : Number.isNaN(value));
  }

  value(id) {
    return this.isMissing(id) ? null : this.values[id] / this.scale;
  }

  reason(id) {
    return this.details.missing[this.reasons[id]]?.[0] ?? "";
  }
}

// Codes, names and places, in files of a few thousand that are fetched when they are asked for.
export class Names {
  constructor(base, { files, at_once: atOnce }) {
    Object.assign(this, { base, files, atOnce, parts: new Map() });
  }

  part(index) {
    if (!this.parts.has(index)) {
      const asked = unpacked(new URL(this.files[index], this.base)).then((bytes) =>
        JSON.parse(new TextDecoder().decode(bytes)),
      );
      this.parts.set(index, asked);
    }
    return this.parts.get(index);
  }

  async of(id) {
    const part = await this.part(Math.floor(id / this.atOnce));
    return told(part, id % this.atOnce, id);
  }

  async search(text, most) {
    const wanted = plain(text);
    const found = { first: [], count: 0 };
    this.files.forEach((_, index) => this.part(index)); // asked for at once, read in order
    for (let index = 0; index < this.files.length; index += 1) {
      const part = await this.part(index);
      part.plain ??= part.labels.map(plain);
      for (let place = 0; place < part.codes.length; place += 1) {
        const matches = plain(part.codes[place]).startsWith(wanted) || part.plain[place].includes(wanted);
        if (!matches) continue;
        found.count += 1;
        if (found.first.length < most) found.first.push(told(part, place, index * this.atOnce + place));
      }
    }
    return found;
  }
}

function told(part, place, id) {
  const bounds = part.bounds.slice(4 * place, 4 * place + 4).map((each) => each / 10000);
  const located = bounds.some((each) => each !== 0);
  return { id, code: part.codes[place], label: part.labels[place], bounds: located ? bounds : null };
}

function plain(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

let library = null;

// MapLibre GL and PMTiles, once a page.
export function loadLibrary() {
  library ??= Promise.all([script(LIBRARY.maplibre), script(LIBRARY.pmtiles), style(LIBRARY.style)]).then(() => {
    window.maplibregl.addProtocol("pmtiles", new window.pmtiles.Protocol().tile);
    return window.maplibregl;
  });
  return library;
}

async function script(name) {
  const bytes = await unpacked(new URL(name, import.meta.url));
  const address = URL.createObjectURL(new Blob([bytes], { type: "text/javascript" }));
  await new Promise((resolve, reject) => {
    const element = Object.assign(document.createElement("script"), { src: address });
    element.addEventListener("load", resolve);
    element.addEventListener("error", () => reject(new Error(name)));
    document.head.append(element);
  });
  URL.revokeObjectURL(address);
}

async function style(name) {
  const sheet = document.createElement("style");
  sheet.textContent = new TextDecoder().decode(await unpacked(new URL(name, import.meta.url)));
  document.head.prepend(sheet); // before the page's own, which changes it
}
