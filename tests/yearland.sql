-- reads: shapes, residents, incomes, survey
-- makes: areas
-- settings: none
CREATE TABLE areas AS
SELECT area_code, area_name, residents, income, jobs, geom
  FROM shapes LEFT JOIN residents USING (area_code) LEFT JOIN incomes USING (area_code)
  LEFT JOIN survey USING (area_code);
COMMENT ON TABLE areas IS 'Areas of Yearland';
COMMENT ON COLUMN areas.jobs IS 'Jobs [unit: persons; aggregate: sum; from: zy-survey]';
