-- reads: shapes, residents
-- makes: cantons
-- settings: none

CREATE TABLE cantons AS
SELECT canton_code, canton_name, duchy_code, residents, area.km2 AS area_km2,
       (residents / area.km2)::numeric(12, 2) AS density, geom
  FROM shapes JOIN residents USING (canton_code)
 CROSS JOIN LATERAL (SELECT round((ST_Area(geom) / 1e6)::numeric, 6) AS km2) AS area
 ORDER BY canton_code;

COMMENT ON TABLE cantons IS 'Cantons of Ruritania with their residents';
COMMENT ON COLUMN cantons.area_km2 IS
    'Area in ETRS89-LAEA [unit: km²; aggregate: sum; from: zr-cantons geometry]';
COMMENT ON COLUMN cantons.density IS
    'Residents for each km² [unit: persons/km²; aggregate: ratio residents / area_km2; from: computed]';
