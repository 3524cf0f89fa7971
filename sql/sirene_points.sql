-- reads: stock, positions, france_iris
-- makes: municipalities, public_stock
-- settings: none

SET LOCAL work_mem = '128MB';

-- Communes and arrondissements with the ground on which their establishments are; a few
-- establishments have the code of a city as a whole.
CREATE UNLOGGED TABLE municipalities AS
SELECT municipal_code, min(commune_code) AS commune_code,
       min(departement_code) AS departement_code,
       CASE WHEN count(*) = 1 THEN min(iris_code) END AS only_iris,
       ST_Expand(ST_Extent(geom), 0.1) AS ground
  FROM france_iris GROUP BY municipal_code
 UNION ALL
SELECT commune_code, commune_code, min(departement_code), NULL, ST_Expand(ST_Extent(geom), 0.1)
  FROM france_iris WHERE commune_code <> municipal_code GROUP BY commune_code;

-- What is fully public, with its point: that of the geolocation file or, where it has none, the
-- coordinates of the stock, which are in the projection of the territory, metres of seven digits at
-- most. Coordinates further than a tenth of a degree from their commune are none, and those of the
-- stock are none where the commune is not known.
CREATE UNLOGGED TABLE public_stock AS
SELECT s.siret, s.municipal_code, s.name, s.sign, s.postal_code, s.created, s.is_headquarters,
       s.head_count_band, s.naf_code, s.nomenclature, s.naf2025_code, s.published_code, s.code_change,
       CASE WHEN given.geom IS NOT NULL THEN 'geolocation'
            WHEN own.geom IS NOT NULL THEN 'stock' END AS located_by,
       p.quality AS location_quality,
       coalesce(given.geom, own.geom)::geometry(Point, 4326) AS geom
  FROM stock s
  LEFT JOIN positions p USING (siret)
  LEFT JOIN municipalities m USING (municipal_code)
  LEFT JOIN LATERAL (
       SELECT ST_SetSRID(ST_MakePoint(p.longitude, p.latitude), 4326) AS geom) AS given
    ON m.ground IS NULL OR given.geom && m.ground
  LEFT JOIN LATERAL (
       SELECT CASE WHEN given.geom IS NULL AND s.lambert_x ~ '^\d{1,7}(\.\d+)?$'
                        AND s.lambert_y ~ '^\d{1,7}(\.\d+)?$'
                   THEN ST_Transform(ST_SetSRID(ST_MakePoint(s.lambert_x::double precision,
                                                             s.lambert_y::double precision),
                                                t.srid), 4326)
              END AS geom
         FROM (SELECT CASE WHEN left(s.municipal_code, 3) IN ('971', '972') THEN 5490
                           WHEN s.municipal_code LIKE '973%' THEN 2972
                           WHEN s.municipal_code LIKE '974%' THEN 2975
                           WHEN s.municipal_code LIKE '976%' THEN 4471
                           ELSE 2154 END AS srid) AS t) AS own
    ON own.geom && m.ground
 WHERE s.diffusion = 'O';

ANALYZE municipalities, public_stock;
