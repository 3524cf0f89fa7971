-- reads: shapes, residents, incomes
-- makes: areas
-- settings: none
CREATE TABLE areas AS
SELECT area_code, area_name, residents, income, geom
  FROM shapes LEFT JOIN residents USING (area_code) LEFT JOIN incomes USING (area_code);
COMMENT ON TABLE areas IS 'Areas of Yearland';
