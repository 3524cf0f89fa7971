// The search box of every page: datasets and columns from one small file, codes and names of areas
// from shards that are fetched when their first letters are typed.
const box = document.getElementById("search");
const list = document.getElementById("found");
const root = document.body.dataset.root;
const home = document.body.dataset.home;
const MOST = 30;
let index = null;
let asked = 0;
const shards = new Map();

const plain = (text) =>
  text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();

async function fetched(address) {
  const answer = await fetch(root + address);
  if (!answer.ok) return null;
  if (!address.endsWith(".gz")) return answer.json();
  const stream = answer.body.pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

function shard(address) {
  if (!shards.has(address)) shards.set(address, fetched(address).catch(() => null));
  return shards.get(address);
}

const address = (place, hash) => home + place + hash;

function rank(words, text) {
  // 0: begins with it; 1: a word begins with it; 2: holds it; none: not found
  if (text.startsWith(words)) return text === words ? -1 : 0;
  if ((" " + text).includes(" " + words)) return 1;
  return words.split(" ").every((word) => (" " + text).includes(" " + word)) ? 2 : null;
}

// Rows of the shards of each word: one that is in too many names ("Saint") leads to none.
async function areas(layer, words) {
  const keys = [words, ...words.split(" ")].map((word) => layer.keys.find((each) => word.startsWith(each)));
  const addresses = new Set(keys.filter((key) => key !== undefined).map((key) => layer.folder + layer.names[key]));
  const rows = await Promise.all([...addresses].map(shard));
  return new Map(rows.flatMap((each) => each ?? []).map((row) => [row[0], row])).values();
}

async function find(words) {
  index ??= await fetched(box.dataset.index).catch(() => null);
  const found = [];
  if (!index) return found; // as where the line is down: asked again with the next letter
  const take = (text, kind, label, place, hash) => {
    const order = rank(words, plain(text));
    if (order !== null) found.push({ order, kind, label, place: address(place, hash) });
  };
  for (const each of index.datasets) take(each.slug + " " + each.title, 0, `${each.slug}: ${each.title}`, each.place, "");
  for (const each of index.columns)
    take(each.name + " " + each.description, 1, `${each.layer}.${each.name}: ${each.description}`, each.place, each.hash);
  const parts = index.layers.map(async (layer) => {
    for (const [code, ...names] of await areas(layer, words)) {
      const orders = [code, ...names].map((text) => rank(words, plain(text))).filter((order) => order !== null);
      if (orders.length)
        found.push({
          order: Math.min(...orders),
          kind: 2,
          label: `${[code, names.join(" / ")].filter(Boolean).join(" ")} (${layer.layer})`,
          place: address(layer.place, `#layer=${layer.name}&area=${encodeURIComponent(code)}`),
        });
    }
  });
  await Promise.all(parts);
  return found.sort((a, b) => a.order - b.order || a.kind - b.kind || a.label.localeCompare(b.label)).slice(0, MOST);
}

function show(found) {
  list.replaceChildren(
    ...found.map((each, place) => {
      const item = document.createElement("li");
      item.id = `found-${place}`;
      item.role = "option";
      item.textContent = each.label;
      item.dataset.place = each.place;
      item.setAttribute("aria-selected", "false");
      return item;
    }),
  );
  if (!found.length) {
    const none = document.createElement("li");
    none.role = "option";
    none.setAttribute("aria-disabled", "true");
    none.setAttribute("aria-selected", "false");
    none.textContent = box.dataset.none;
    list.append(none);
  }
  open(true);
}

function open(is) {
  list.hidden = !is;
  box.setAttribute("aria-expanded", String(is));
  if (!is) box.removeAttribute("aria-activedescendant");
}

function move(by) {
  const items = [...list.children];
  const now = items.findIndex((item) => item.getAttribute("aria-selected") === "true");
  const next = (now + by + items.length) % items.length;
  items.forEach((item, place) => item.setAttribute("aria-selected", String(place === next)));
  box.setAttribute("aria-activedescendant", items[next].id);
  items[next].scrollIntoView({ block: "nearest" });
}

function go(item) {
  if (!item?.dataset.place) return;
  open(false);
  location.href = item.dataset.place;
}

box.addEventListener("input", async () => {
  const words = plain(box.value);
  const mine = ++asked;
  if (words.length < 2) return open(false);
  const found = await find(words);
  if (mine === asked) show(found);
});
box.addEventListener("keydown", (event) => {
  if (event.key === "Escape") open(false);
  if (list.hidden) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    move(event.key === "ArrowDown" ? 1 : -1);
  }
  if (event.key === "Enter")
    go(list.querySelector('[aria-selected="true"]') ?? list.firstElementChild);
});
list.addEventListener("click", (event) => go(event.target.closest("li")));
document.addEventListener("click", (event) => {
  if (!event.target.closest(".search")) open(false);
});

// Long tables of columns are pages of their own, and are brought here when they are opened.
async function fill(details) {
  const address = details.dataset.from;
  if (!address) return;
  delete details.dataset.from;
  const page = new DOMParser().parseFromString(await (await fetch(address)).text(), "text/html");
  details.replaceChildren(details.querySelector("summary"), ...page.querySelectorAll(".wide"));
}
for (const each of document.querySelectorAll("details[data-from]"))
  each.addEventListener("toggle", () => each.open && fill(each));

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // "%" alone, as a person wrote it
  }
}

// A link to a column opens the table that it stands in, one to an area leads to the map of its layer.
async function reveal() {
  const name = decoded(location.hash.slice(1));
  const drawn = new URLSearchParams(location.hash.slice(1)).get("layer");
  if (drawn) document.getElementById(`layer-${drawn}`)?.scrollIntoView();
  const layer = name.match(/^column-([^-]+)-/)?.[1];
  const details = layer && document.querySelector(`#layer-${CSS.escape(layer)} details.columns`);
  if (!details) return;
  await fill(details);
  details.open = true;
  document.getElementById(name)?.scrollIntoView();
}
addEventListener("hashchange", reveal);
reveal();
