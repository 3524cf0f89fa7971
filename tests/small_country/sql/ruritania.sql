-- reads: shapes, residents
-- makes: cantons
-- settings: none

CREATE TABLE cantons AS
SELECT canton_code, canton_name, duchy_code, residents, geom
  FROM shapes JOIN residents USING (canton_code)
 ORDER BY canton_code;

COMMENT ON TABLE cantons IS 'Cantons of Ruritania';
