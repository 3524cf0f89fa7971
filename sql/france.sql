-- reads: shapes, population, housing, households, income, census_communes, postal_code_list,
--     commune_list, epci_list, departement_list, region_list
-- makes: iris, postal_code_communes, population_now
-- settings: geodata.vintage (year of the borders; the census is two years older or more, incomes
--     three)

-- Communes that IGN and La Poste divide into arrondissements, and the commune that the statistics
-- know.
CREATE TEMPORARY VIEW municipal AS
SELECT municipal_code,
       CASE WHEN municipal_code BETWEEN '75101' AND '75120' THEN '75056'
            WHEN municipal_code BETWEEN '69381' AND '69389' THEN '69123'
            WHEN municipal_code BETWEEN '13201' AND '13216' THEN '13055'
            ELSE municipal_code END AS commune_code
  FROM (SELECT DISTINCT municipal_code FROM shapes) AS codes;

-- The census counts in the IRIS of an earlier day. Those whose commune has merged since into one
-- that is not divided belong to its only IRIS and are added up there; the others keep their codes.
DO $$
DECLARE
    figures text;
    sums text;
BEGIN
    FOREACH figures IN ARRAY '{population,housing,households}'::text[] LOOP
        SELECT string_agg(format('CASE WHEN count(f.%1$I) = count(*)'
                                 ' THEN sum(f.%1$I ORDER BY f.iris_code) END AS %1$I', attname),
                          ', ' ORDER BY attnum)
          INTO sums
          FROM pg_attribute
         WHERE attrelid = figures::regclass AND attnum > 0 AND NOT attisdropped
           AND attname <> 'iris_code';
        EXECUTE format('CREATE TABLE %I AS'
                       ' SELECT coalesce(there.iris_code, whole.iris_code, f.iris_code)'
                       ' AS iris_code, %s FROM %I f'
                       ' LEFT JOIN shapes there USING (iris_code)'
                       ' LEFT JOIN census_communes c ON c.census_commune = left(f.iris_code, 5)'
                       ' LEFT JOIN shapes whole ON there.iris_code IS NULL'
                       ' AND whole.iris_code = c.municipal_code || ''0000'' GROUP BY 1',
                       figures || '_now', sums, figures);
    END LOOP;
END $$;

-- Several postal codes in one commune, one postal code in several communes: all pairs as La Poste
-- has them.
CREATE TABLE postal_code_communes AS
SELECT municipal_code, postal_code, min(delivery_label) AS delivery_label,
       avg(split_part(coordinates, ',', 1)::double precision) AS latitude,
       avg(split_part(coordinates, ',', 2)::double precision) AS longitude,
       (count(*) OVER (PARTITION BY municipal_code))::integer AS postal_codes_of_commune,
       (count(*) OVER (PARTITION BY postal_code))::integer AS communes_of_postal_code
  FROM postal_code_list
 GROUP BY municipal_code, postal_code
 ORDER BY municipal_code, postal_code;

CREATE TABLE iris AS
SELECT *,
       population / nullif(area_km2, 0)::double precision AS density,
       CASE WHEN population IS NULL THEN 'no figures under this code' END AS population_reason
  FROM (SELECT iris_code, iris_name, iris_type, municipal_code, municipal_name FROM shapes) AS s
  LEFT JOIN municipal USING (municipal_code)
  LEFT JOIN (SELECT commune_code, commune_name, departement_code, region_code, epci_code
               FROM commune_list) AS c USING (commune_code)
  LEFT JOIN (SELECT departement_code, departement_name FROM departement_list) AS d
         USING (departement_code)
  LEFT JOIN (SELECT region_code, region_name FROM region_list) AS r USING (region_code)
  LEFT JOIN (SELECT epci_code, epci_name FROM epci_list) AS e USING (epci_code)
  LEFT JOIN (SELECT municipal_code, min(postal_code) AS postal_code
               FROM postal_code_communes GROUP BY municipal_code) AS z USING (municipal_code)
  LEFT JOIN population_now USING (iris_code)
  LEFT JOIN housing_now USING (iris_code)
  LEFT JOIN households_now USING (iris_code)
  LEFT JOIN income USING (iris_code)
  LEFT JOIN (SELECT iris_code, round((ST_Area(geom::geography) / 1e6)::numeric, 6) AS area_km2, geom
               FROM shapes) AS g USING (iris_code)
 ORDER BY iris_code;
DROP VIEW municipal;

COMMENT ON TABLE iris
    IS 'IRIS of France, the smallest areas of its census, with residents, dwellings, households and'
    ' income';
COMMENT ON COLUMN iris.commune_code
    IS 'Code of the commune; Paris is 75056, Lyon 69123, Marseille 13055'
    ' [unit: code; aggregate: same; from: fr-iris.code_insee]';
COMMENT ON COLUMN iris.postal_code
    IS 'DERIVED: the lowest of the postal codes of the commune or arrondissement; an area has no'
    ' postal code of its own [unit: code; aggregate: same; from: fr-postal-codes]';
COMMENT ON COLUMN iris.area_km2 IS 'Area on the ellipsoid'
    ' [unit: km²; aggregate: sum; from: fr-iris geometry]';
COMMENT ON COLUMN iris.density IS 'Residents for each km²'
    ' [unit: persons/km²; aggregate: ratio population / area_km2; from: computed]';
COMMENT ON COLUMN iris.population_reason IS 'Why there are no figures of the census'
    ' [unit: reason; aggregate: none; from: computed]';

COMMENT ON TABLE postal_code_communes
    IS 'Pairs of communes (arrondissements in Paris, Lyon and Marseille) and postal codes of'
    ' France: many to many';
COMMENT ON COLUMN postal_code_communes.latitude
    IS 'Latitude of the pair; empty where La Poste gives none'
    ' [unit: degree; aggregate: none; from: fr-postal-codes.coordonnees_gps]';
COMMENT ON COLUMN postal_code_communes.longitude IS 'Longitude of the pair'
    ' [unit: degree; aggregate: none; from: fr-postal-codes.coordonnees_gps]';
COMMENT ON COLUMN postal_code_communes.postal_codes_of_commune
    IS 'How many postal codes this commune has'
    ' [unit: postal codes; aggregate: none; from: computed]';
COMMENT ON COLUMN postal_code_communes.communes_of_postal_code
    IS 'How many communes have this postal code'
    ' [unit: communes; aggregate: none; from: computed]';
SELECT geodata.copy_comments('postal_code_list', 'postal_code_communes');
