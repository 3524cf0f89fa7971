// What a map shows, in the address of the page: a link shows the same.
const NAMES = ["layer", "indicator", "at", "area"];

export function readAddress() {
  const parts = new URLSearchParams(window.location.hash.slice(1));
  if (!parts.has("layer")) return null;
  const found = Object.fromEntries(NAMES.map((name) => [name, parts.get(name)]));
  const [zoom, latitude, longitude] = (found.at ?? "").split("/").map(Number);
  const placed = [zoom, latitude, longitude].every(Number.isFinite) && found.at;
  return { ...found, at: placed ? { zoom, center: [longitude, latitude] } : null };
}

export function writeAddress({ layer, indicator, view, area }) {
  const parts = new URLSearchParams({ layer });
  if (indicator) parts.set("indicator", indicator);
  if (view) parts.set("at", [view.zoom.toFixed(2), view.center.lat.toFixed(5), view.center.lng.toFixed(5)].join("/"));
  if (area) parts.set("area", area);
  window.history.replaceState(window.history.state, "", `#${parts.toString().replaceAll("%2F", "/")}`);
}
