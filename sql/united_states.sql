-- reads: state_shapes, county_shapes, tract_shapes, block_group_shapes,
--     b01001, b11001, b15003, b19001, b19013, b19301, b25001, b25003, b25077
-- makes: states, counties, tracts, block_groups
-- settings: geodata.vintage (year of the borders and last of the five years of the survey)

SET LOCAL work_mem = '128MB';

-- The areas of all four kinds, told apart by the beginning of their full code.
CREATE TEMPORARY VIEW areas AS
SELECT geo_id, geoid, land_m2, water_m2, geom FROM state_shapes
 UNION ALL SELECT geo_id, geoid, land_m2, water_m2, geom FROM county_shapes
 UNION ALL SELECT geo_id, geoid, land_m2, water_m2, geom FROM tract_shapes
 UNION ALL SELECT geo_id, geoid, land_m2, water_m2, geom FROM block_group_shapes;

-- The nine tables of the survey side by side.
CREATE TEMPORARY VIEW estimates AS
SELECT * FROM b01001
  FULL JOIN b11001 USING (geo_id) FULL JOIN b15003 USING (geo_id) FULL JOIN b19001 USING (geo_id)
  FULL JOIN b19013 USING (geo_id) FULL JOIN b19301 USING (geo_id) FULL JOIN b25001 USING (geo_id)
  FULL JOIN b25003 USING (geo_id) FULL JOIN b25077 USING (geo_id);

-- Areas without estimates stay, with the reason.
CREATE TEMPORARY VIEW surveyed AS
SELECT *,
       round(land_m2 / 1e6, 6) AS land_km2, round(water_m2 / 1e6, 6) AS water_km2,
       (population / nullif(land_m2 / 1e6, 0))::numeric(12, 2) AS density,
       CASE WHEN coalesce(population::text, b01001_reasons) IS NOT NULL THEN NULL
            WHEN left(geoid, 2) IN ('60', '66', '69', '78')
            THEN 'island area, where the American Community Survey is not taken'
            ELSE 'no row in the tables of the American Community Survey' END AS population_reason
  FROM areas LEFT JOIN estimates USING (geo_id);

CREATE TABLE states AS
SELECT *
  FROM (SELECT geo_id, state_abbreviation, state_name FROM state_shapes) AS s
  JOIN surveyed USING (geo_id)
  LEFT JOIN (SELECT state_code AS geoid, division_code, division_name, region_code, region_name
               FROM geodata.us_divisions()) AS d USING (geoid)
 WHERE geo_id LIKE '0400000US%'
 ORDER BY geoid;

CREATE TABLE counties AS
SELECT *
  FROM (SELECT geo_id, state_code, county_name FROM county_shapes) AS c
  JOIN surveyed USING (geo_id)
 WHERE geo_id LIKE '0500000US%'
 ORDER BY geoid;

CREATE TABLE tracts AS
SELECT *
  FROM (SELECT geo_id, state_code, state_code || county_part AS county_geoid, name
          FROM tract_shapes) AS t
  JOIN surveyed USING (geo_id)
 WHERE geo_id LIKE '1400000US%'
 ORDER BY geoid;

CREATE TABLE block_groups AS
SELECT *
  FROM (SELECT geo_id, state_code, state_code || county_part AS county_geoid,
               state_code || county_part || tract_part AS tract_geoid, name
          FROM block_group_shapes) AS b
  JOIN surveyed USING (geo_id)
 WHERE geo_id LIKE '1500000US%'
 ORDER BY geoid;

DROP VIEW surveyed, estimates, areas;

COMMENT ON TABLE states
    IS 'States of the United States, the District of Columbia, Puerto Rico and the island areas,'
    ' with five-year estimates';
COMMENT ON TABLE counties
    IS 'Counties of the United States and what is equivalent to them, with five-year estimates';
COMMENT ON TABLE tracts
    IS 'Census tracts of the United States, without those that are all water, with five-year'
    ' estimates';
COMMENT ON TABLE block_groups
    IS 'Census block groups of the United States, without those that are all water, with five-year'
    ' estimates';

COMMENT ON COLUMN states.division_code
    IS 'Code of the census division; empty outside of the 50 states and the District of Columbia'
    ' [unit: code; aggregate: same; from: Census Bureau, regions and divisions]';
COMMENT ON COLUMN states.division_name IS 'Name of the census division'
    ' [unit: name; aggregate: same; from: Census Bureau, regions and divisions]';
COMMENT ON COLUMN states.region_code IS 'Code of the census region'
    ' [unit: code; aggregate: same; from: Census Bureau, regions and divisions]';
COMMENT ON COLUMN states.region_name IS 'Name of the census region'
    ' [unit: name; aggregate: same; from: Census Bureau, regions and divisions]';
COMMENT ON COLUMN tracts.county_geoid IS 'FIPS code of the county, five digits'
    ' [unit: code; aggregate: same; from: us-tracts-*.COUNTYFP]';
COMMENT ON COLUMN block_groups.county_geoid IS 'FIPS code of the county, five digits'
    ' [unit: code; aggregate: same; from: us-block-groups-*.COUNTYFP]';
COMMENT ON COLUMN block_groups.tract_geoid IS 'Code of the tract, eleven digits'
    ' [unit: code; aggregate: same; from: us-block-groups-*.TRACTCE]';

-- What is computed in the same way for all four kinds.
COMMENT ON COLUMN states.land_km2 IS 'Area of land, as published'
    ' [unit: km²; aggregate: sum; from: ALAND]';
COMMENT ON COLUMN states.water_km2 IS 'Area of water, as published'
    ' [unit: km²; aggregate: sum; from: AWATER]';
COMMENT ON COLUMN states.density IS 'Residents for each km² of land'
    ' [unit: persons/km²; aggregate: ratio population / land_km2; from: computed]';
COMMENT ON COLUMN states.population_reason IS 'Why the area has no estimates; empty where it has'
    ' [unit: reason; aggregate: none; from: computed]';

-- Codes, names and borders have the same column names in all four files of shapes.
SELECT geodata.copy_comments(shapes::regclass, areas::regclass)
  FROM (VALUES ('state_shapes', 'states'), ('county_shapes', 'counties'),
               ('tract_shapes', 'tracts'), ('block_group_shapes', 'block_groups'))
       AS pairs (shapes, areas);
