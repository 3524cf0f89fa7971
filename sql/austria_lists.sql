-- reads: typology, urbanisation, postal_code_list
-- makes: municipality_types, postal_codes
-- settings: none

CREATE TABLE municipality_types AS
SELECT t.municipality_code, replace(t.municipality_name, chr(160), ' ') AS municipality_name,
       t.typology_code, y.typology_name_de, u.urbanisation_code, d.urbanisation_name
  FROM typology t
  LEFT JOIN urbanisation u USING (municipality_code)
  LEFT JOIN (VALUES ('101', 'Urbane Großzentren'),
                    ('102', 'Urbane Mittelzentren'),
                    ('103', 'Urbane Kleinzentren'),
                    ('210', 'Regionale Zentren, zentral'),
                    ('220', 'Regionale Zentren, intermediär'),
                    ('310', 'Ländlicher Raum im Umland von Zentren, zentral'),
                    ('320', 'Ländlicher Raum im Umland von Zentren, intermediär'),
                    ('330', 'Ländlicher Raum im Umland von Zentren, peripher'),
                    ('410', 'Ländlicher Raum, zentral'),
                    ('420', 'Ländlicher Raum, intermediär'),
                    ('430', 'Ländlicher Raum, peripher')) AS y (typology_code, typology_name_de)
         USING (typology_code)
  LEFT JOIN (VALUES ('1', 'city, densely populated'),
                    ('2', 'town or suburb, intermediate density'),
                    ('3', 'rural area, thinly populated'))
         AS d (urbanisation_code, urbanisation_name) USING (urbanisation_code)
 ORDER BY t.municipality_code;

CREATE TABLE postal_codes AS
SELECT postal_code, municipality_code, nuts3_code,
       (count(*) OVER (PARTITION BY postal_code))::integer AS municipalities_of_postal_code,
       (count(*) OVER (PARTITION BY municipality_code))::integer AS postal_codes_of_municipality
  FROM postal_code_list
 ORDER BY postal_code, municipality_code;

COMMENT ON TABLE municipality_types
    IS 'Municipalities of Austria, Vienna by its 23 districts, with their urban-rural type and'
    ' degree of urbanisation';
COMMENT ON COLUMN municipality_types.typology_name_de IS 'Type in German'
    ' [unit: name; aggregate: same; from: Statistik Austria, Urban-Rural-Typologie]';
COMMENT ON COLUMN municipality_types.urbanisation_name IS 'Degree of urbanisation in words'
    ' [unit: name; aggregate: same; from: Eurostat, DEGURBA]';

COMMENT ON TABLE postal_codes
    IS 'Pairs of postal codes and municipalities of Austria: many to many';
COMMENT ON COLUMN postal_codes.municipalities_of_postal_code
    IS 'How many municipalities have this postal code'
    ' [unit: municipalities; aggregate: none; from: computed]';
COMMENT ON COLUMN postal_codes.postal_codes_of_municipality
    IS 'How many postal codes this municipality has'
    ' [unit: postal codes; aggregate: none; from: computed]';
SELECT geodata.copy_comments('postal_code_list', 'postal_codes');
