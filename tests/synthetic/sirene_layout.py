"""The columns of INSEE's two SIRENE files, in the order and with the types of the Parquet files of
2026.

Types as DuckDB wrote them for data.gouv.fr: dates and truth values are typed, years are whole
numbers, the coordinates of the stock are text, those of the geolocation file single precision.
"""

from __future__ import annotations

import pyarrow as pa

STOCK_NAME = "StockEtablissement_utf8"
LOCATION_NAME = "GeolocalisationEtablissement_Sirene_pour_etudes_statistiques_utf8"
PARTIAL_MASK = "[ND]"

ADDRESS = (
    "complementAdresseEtablissement numeroVoieEtablissement indiceRepetitionEtablissement"
    " dernierNumeroVoieEtablissement indiceRepetitionDernierNumeroVoieEtablissement"
    " typeVoieEtablissement libelleVoieEtablissement codePostalEtablissement"
    " libelleCommuneEtablissement libelleCommuneEtrangerEtablissement"
    " distributionSpecialeEtablissement codeCommuneEtablissement codeCedexEtablissement"
    " libelleCedexEtablissement codePaysEtrangerEtablissement libellePaysEtrangerEtablissement"
    " identifiantAdresseEtablissement coordonneeLambertAbscisseEtablissement"
    " coordonneeLambertOrdonneeEtablissement"
).split()
SECOND_ADDRESS = (
    "complementAdresse2Etablissement numeroVoie2Etablissement indiceRepetition2Etablissement"
    " typeVoie2Etablissement libelleVoie2Etablissement codePostal2Etablissement"
    " libelleCommune2Etablissement libelleCommuneEtranger2Etablissement"
    " distributionSpeciale2Etablissement codeCommune2Etablissement codeCedex2Etablissement"
    " libelleCedex2Etablissement codePaysEtranger2Etablissement libellePaysEtranger2Etablissement"
).split()
NAMES = (
    "enseigne1Etablissement",
    "enseigne2Etablissement",
    "enseigne3Etablissement",
    "denominationUsuelleEtablissement",
)
COLUMNS = (
    *(
        "siren nic siret statutDiffusionEtablissement dateCreationEtablissement"
        " trancheEffectifsEtablissement anneeEffectifsEtablissement"
        " activitePrincipaleRegistreMetiersEtablissement dateDernierTraitementEtablissement"
        " etablissementSiege nombrePeriodesEtablissement"
    ).split(),
    *ADDRESS,
    *SECOND_ADDRESS,
    "dateDebut",
    "etatAdministratifEtablissement",
    *NAMES,
    "activitePrincipaleEtablissement",
    "nomenclatureActivitePrincipaleEtablissement",
    "caractereEmployeurEtablissement",
    "activitePrincipaleNAF25Etablissement",
)
TYPED = {
    "dateCreationEtablissement": pa.date32(),
    "anneeEffectifsEtablissement": pa.int64(),
    "dateDernierTraitementEtablissement": pa.timestamp("us"),
    "etablissementSiege": pa.bool_(),
    "nombrePeriodesEtablissement": pa.int64(),
    "dateDebut": pa.date32(),
}
STOCK = pa.schema([(name, TYPED.get(name, pa.string())) for name in COLUMNS])

# Of an establishment in partial diffusion only the commune is told, not even the postcode (INSEE,
# API Sirene, "Diffusion partielle").
TOLD_OF_PARTIAL = (
    "libelleCommuneEtablissement libelleCommuneEtrangerEtablissement codeCommuneEtablissement"
    " codePaysEtrangerEtablissement libellePaysEtrangerEtablissement"
).split()
MASKED = tuple(name for name in ADDRESS if name not in TOLD_OF_PARTIAL)
FREE_TEXTS = {
    name
    for name in COLUMNS
    if name.startswith(("complement", "libelle", "distribution", "enseigne", "denomination"))
}

LOCATION_COLUMNS = (
    "siret x y qualite_xy epsg plg_qp24 plg_iris plg_zus plg_qp15 plg_qva plg_code_commune"
    " distance_precision qualite_qp24 qualite_iris qualite_zus qualite_qp15 qualite_qva y_latitude"
    " x_longitude"
).split()
SINGLE_PRECISION = ("x", "y", "distance_precision", "y_latitude", "x_longitude")
LOCATIONS = pa.schema(
    [(name, pa.float32() if name in SINGLE_PRECISION else pa.string()) for name in LOCATION_COLUMNS]
)
