-- reads: shapes, population, housing, households, income, census_communes, income_communes,
--     movements, postal_code_list, names_communes, names_areas
-- makes: iris, postal_code_communes, population_now, income_now
-- settings: geodata.vintage (year of the borders; the census is two years older or more, incomes
--     three), geodata.income_day (the day whose IRIS the incomes have)

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

-- The incomes are of IRIS of an earlier day too, and medians cannot be added up. A commune that
-- only took another code keeps its IRIS, under it. One that is not divided, and has merged or been
-- parted since, is other ground under the same code: its row gets a code that no IRIS has, so that
-- the report of the join counts and names it as it does those whose code is gone.
CREATE TEMPORARY VIEW moved AS
SELECT DISTINCT code_before, code_after
  FROM movements
 WHERE type_before = 'COM' AND type_after = 'COM'
   AND day > current_setting('geodata.income_day')::date
   AND day <= make_date(current_setting('geodata.vintage')::integer, 1, 1);
CREATE TEMPORARY VIEW renamed AS
SELECT min(code_before) AS commune, min(code_after) AS now
  FROM (SELECT *, count(*) OVER (PARTITION BY code_before) AS parts,
                  count(*) OVER (PARTITION BY code_after) AS merged FROM moved) AS counted
 WHERE parts = 1 AND merged = 1 AND code_before <> code_after
   AND code_after NOT IN (SELECT code_before FROM moved)
   AND code_before NOT IN (SELECT code_after FROM moved)
 GROUP BY code_before;

CREATE TABLE income_now AS SELECT * FROM income;
UPDATE income_now SET iris_code = iris_code || ' (other ground)'
 WHERE iris_code LIKE '%0000'
   AND left(iris_code, 5) NOT IN (SELECT commune FROM renamed)
   AND left(iris_code, 5) IN (
       SELECT unnest(ARRAY[code_before, code_after]) FROM moved WHERE code_before <> code_after);
UPDATE income_now SET iris_code = s.iris_code
  FROM renamed r JOIN shapes s ON s.municipal_code = r.now
 WHERE left(income_now.iris_code, 5) = r.commune
   AND s.iris_code = r.now || substr(income_now.iris_code, 6);

-- A reason for each IRIS that has no row of incomes.
CREATE TEMPORARY TABLE income_of_iris ON COMMIT DROP AS
SELECT * FROM (SELECT iris_code FROM shapes) AS s LEFT JOIN income_now USING (iris_code);
WITH lost AS (
    SELECT DISTINCT c.municipal_code
      FROM income_now n
      JOIN income_communes c ON c.income_commune = left(n.iris_code, 5)
     WHERE NOT EXISTS (SELECT FROM shapes s WHERE s.iris_code = n.iris_code))
UPDATE income_of_iris i
   SET income_reasons = CASE WHEN left(i.iris_code, 5) IN (SELECT municipal_code FROM lost)
       THEN 'all: other geography, IRIS of this commune have changed since the incomes'
       ELSE 'all: not in the table of incomes, which has communes of 5,000 residents or more' END
 WHERE NOT EXISTS (SELECT FROM income_now n WHERE n.iris_code = i.iris_code);
DROP VIEW renamed;
DROP VIEW moved;

DO $$
BEGIN
    IF EXISTS (SELECT FROM postal_code_list
                WHERE (latitude_given IS NULL) <> (longitude_given IS NULL)) THEN
        RAISE EXCEPTION 'pairs of postal_code_list were expected to have a latitude and a longitude'
            ' or neither, and some have one of them: declare the name of the other''s column';
    END IF;
END $$;

-- Several postal codes in one commune, one postal code in several communes: all pairs as La Poste
-- has them.
CREATE TABLE postal_code_communes AS
SELECT municipal_code, postal_code, min(delivery_label) AS delivery_label,
       avg(coalesce(latitude_given, split_part(coordinates, ',', 1))::double precision) AS latitude,
       avg(coalesce(longitude_given, split_part(coordinates, ',', 2))::double precision)
       AS longitude,
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
  LEFT JOIN (SELECT commune_code, commune_name, departement_code, region_code,
                    nullif(epci_code, 'ZZZZZZZZZ') AS epci_code
               FROM names_communes) AS c USING (commune_code)
  LEFT JOIN (SELECT code AS departement_code, name AS departement_name
               FROM names_areas WHERE level = 'DEP') AS d USING (departement_code)
  LEFT JOIN (SELECT code AS region_code, name AS region_name
               FROM names_areas WHERE level = 'REG') AS r USING (region_code)
  LEFT JOIN (SELECT code AS epci_code, name AS epci_name
               FROM names_areas WHERE level = 'EPCI') AS e USING (epci_code)
  LEFT JOIN (SELECT municipal_code, min(postal_code) AS postal_code
               FROM postal_code_communes GROUP BY municipal_code) AS z USING (municipal_code)
  LEFT JOIN population_now USING (iris_code)
  LEFT JOIN housing_now USING (iris_code)
  LEFT JOIN households_now USING (iris_code)
  LEFT JOIN income_of_iris USING (iris_code)
  LEFT JOIN (SELECT iris_code, round((ST_Area(geom::geography) / 1e6)::numeric, 6) AS area_km2, geom
               FROM shapes) AS g USING (iris_code)
 ORDER BY iris_code;
DROP VIEW municipal;
DROP TABLE housing_now, households_now;

COMMENT ON TABLE iris
    IS 'IRIS of France, the smallest areas of its census, with residents, dwellings, households and'
    ' income';
COMMENT ON COLUMN iris.commune_code
    IS 'Code of the commune; Paris is 75056, Lyon 69123, Marseille 13055'
    ' [unit: code; aggregate: same; from: fr-iris.code_insee]';
COMMENT ON COLUMN iris.departement_name IS 'Name of the département'
    ' [unit: name; aggregate: same; from: fr-memberships.LIBGEO]';
COMMENT ON COLUMN iris.region_name IS 'Name of the region'
    ' [unit: name; aggregate: same; from: fr-memberships.LIBGEO]';
COMMENT ON COLUMN iris.epci_name IS 'Name of the EPCI'
    ' [unit: name; aggregate: same; from: fr-memberships.LIBGEO]';
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
