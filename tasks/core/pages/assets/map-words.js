// The words of the map in each language. {name} is filled in.
const ENGLISH = {
  indicator: "Indicator",
  find: "Find an area",
  findHint: "Code or name",
  found: "{count} areas found",
  foundOne: "1 area found",
  foundNone: "No area has this code or name",
  foundMore: "the first {count} are listed",
  loadingNames: "Loading the names …",
  map: "Map of {layer}: {indicator}",
  mapHelp: "Arrow keys move the map, plus and minus zoom; the card tells the area in the middle.",
  legend: "Legend",
  zero: "Zero",
  under: "< {high}",
  from: "{low} to < {high}",
  over: "≥ {low}",
  areas: "{count} areas",
  areasOne: "1 area",
  squareCount: "{count} squares",
  squareCountOne: "1 square",
  missing: "Missing",
  missingWhy: "Missing values and why",
  noReason: "no reason given",
  noneMissing: "No value is missing.",
  anotherReason: "another reason",
  distribution: "Distribution",
  distributionOf: "{indicator}: {counted} from {low} to {high}, half of them below {middle}.",
  logarithmic: "The bars have equal ratios: the scale is logarithmic.",
  tails: "The first and the last bar also hold the lowest and the highest hundredth.",
  least: "Lowest",
  most: "Highest",
  withoutZeros: "{count} areas at zero are passed over.",
  stand: "At this zoom the map shows {layer} ({count} areas); zoom in to see {own}.",
  tooFar: "Zoom in to see the areas.",
  noWebgl: "This browser draws no interactive map (WebGL is missing): the picture shows {indicator}.",
  failed: "The map could not be loaded ({reason}): the picture stays.",
  loading: "Loading the map …",
  close: "Close",
  whole: "Show everything",
  count: "{layer}: number",
  square: "Square of {metres}",
  squares: "Each square is {metres} wide at this zoom.",
  noGeometry: "{count} rows have no geometry and are not on the map.",
  noIndicator: "This layer has no figures: the map shows its borders.",
  kilometres: "km",
  metres: "m",
};
const FRENCH = {
  indicator: "Indicateur",
  find: "Trouver une zone",
  findHint: "Code ou nom",
  found: "{count} zones trouvées",
  foundOne: "1 zone trouvée",
  foundNone: "Aucune zone n’a ce code ou ce nom",
  foundMore: "les {count} premières sont listées",
  loadingNames: "Chargement des noms…",
  map: "Carte de {layer} : {indicator}",
  mapHelp: "Les flèches déplacent la carte, plus et moins changent l’échelle ; la fiche décrit la zone du milieu.",
  legend: "Légende",
  zero: "Zéro",
  under: "< {high}",
  from: "{low} à < {high}",
  over: "≥ {low}",
  areas: "{count} zones",
  areasOne: "1 zone",
  squareCount: "{count} carrés",
  squareCountOne: "1 carré",
  missing: "Manquant",
  missingWhy: "Valeurs manquantes et motifs",
  noReason: "aucun motif donné",
  noneMissing: "Aucune valeur ne manque.",
  anotherReason: "autre motif",
  distribution: "Distribution",
  distributionOf: "{indicator} : {counted} de {low} à {high}, la moitié en dessous de {middle}.",
  logarithmic: "Les barres ont des rapports égaux : l’échelle est logarithmique.",
  tails: "La première et la dernière barre contiennent aussi le centième le plus bas et le plus haut.",
  least: "Les plus basses",
  most: "Les plus hautes",
  withoutZeros: "{count} zones à zéro ne sont pas listées.",
  stand: "À cette échelle, la carte montre {layer} ({count} zones) ; agrandissez pour voir {own}.",
  tooFar: "Agrandissez pour voir les zones.",
  noWebgl: "Ce navigateur ne dessine pas de carte interactive (WebGL manque) : l’image montre {indicator}.",
  failed: "La carte n’a pas pu être chargée ({reason}) : l’image reste.",
  loading: "Chargement de la carte…",
  close: "Fermer",
  whole: "Tout montrer",
  count: "{layer} : nombre",
  square: "Carré de {metres}",
  squares: "Chaque carré a {metres} de côté à cette échelle.",
  noGeometry: "{count} lignes sont sans géométrie et ne sont pas sur la carte.",
  noIndicator: "Cette couche n’a pas de chiffres : la carte montre ses limites.",
  kilometres: "km",
  metres: "m",
};

export class Words {
  constructor(language) {
    this.language = language === "fr" ? "fr" : "en";
    this.table = this.language === "fr" ? FRENCH : ENGLISH;
  }

  say(key, values = {}) {
    return this.table[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }

  // So many of what the map counts, areas or squares.
  counted(count) {
    const counts = this.counts ?? "areas";
    return count === 1 ? this.say(`${counts}One`) : this.say(counts, { count: this.number(count) });
  }

  // A number with the decimals that it has in the database; null: as many as it takes.
  number(value, decimals = 0) {
    const digits =
      decimals === null
        ? { maximumSignificantDigits: 17 }
        : { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
    return new Intl.NumberFormat(this.language, digits).format(value);
  }

  // A number to read, as at the side of a class.
  short(value) {
    return new Intl.NumberFormat(this.language, { maximumSignificantDigits: 4 }).format(value);
  }

  length(metres) {
    return metres >= 1000
      ? `${this.short(Number((metres / 1000).toPrecision(2)))} ${this.table.kilometres}`
      : `${this.short(Number(metres.toPrecision(2)))} ${this.table.metres}`;
  }

  layer(name) {
    return name.replaceAll("_", " ");
  }
}
