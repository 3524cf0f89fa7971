-- reads: shapes, residents
-- makes: cantons
-- settings: none

CREATE TABLE cantons AS
SELECT canton_code, canton_name, duchy_code, residents, geom
  FROM shapes JOIN residents USING (canton_code)
 ORDER BY canton_code;

COMMENT ON TABLE cantons IS 'Cantons of Ruritania';
COMMENT ON COLUMN cantons.canton_code IS 'Canton [unit: code; aggregate: key; from: zr-cantons.canton]';
COMMENT ON COLUMN cantons.canton_name IS 'Name of the canton [unit: name; aggregate: none; from: zr-cantons.name]';
COMMENT ON COLUMN cantons.duchy_code IS 'Duchy [unit: code; aggregate: same; from: zr-cantons.duchy]';
COMMENT ON COLUMN cantons.residents IS 'Residents on 1 January [unit: persons; aggregate: sum; from: zr-residents.RÉSIDENTS]';
COMMENT ON COLUMN cantons.geom IS 'Border [unit: m; aggregate: none; from: zr-cantons]';
