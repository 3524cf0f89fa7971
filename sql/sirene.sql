-- reads: stock, positions, france_iris, france_communes, municipalities, public_stock, found
-- makes: establishments, counts_by_iris, counts_by_commune, counted
-- settings: geodata.vintage (year of the stock)

-- NAF 2025 takes the place of NAF rev. 2 on 1 January 2027. Both write the division in the first two
-- digits of a code, and the same digits do not mean the same: a division is always one of the
-- nomenclature beside it, and never counted with that of another.
CREATE OR REPLACE FUNCTION pg_temp.division(nomenclature text, code text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN nomenclature IN ('NAFRev2', 'NAF2025') AND code IS NOT NULL THEN left(code, 2)
            ELSE 'other' END;

SET LOCAL work_mem = '128MB';

-- Each one gets its IRIS by its point; without a point by its commune, where that is not divided.
-- The rows of a département lie together, in the order of a curve through space.
CREATE TABLE establishments (
    departement_code text NOT NULL, siret text NOT NULL, name text, sign text, postal_code text,
    municipal_code text, iris_code text, iris_by text, naf_code text, naf_division text,
    nomenclature text, naf2025_code text, head_count_band text, created date, is_headquarters boolean,
    location_quality text, code_change text, geom geometry(Point, 4326)
) PARTITION BY LIST (departement_code);
DO $$
DECLARE
    department text;
BEGIN
    FOR department IN
        SELECT departement_code FROM municipalities WHERE departement_code IS NOT NULL
         UNION SELECT 'ZZ' ORDER BY 1
    LOOP
        EXECUTE format('CREATE TABLE %I PARTITION OF establishments FOR VALUES IN (%L)',
                       'establishments_' || lower(department), department);
    END LOOP;
END $$;
INSERT INTO establishments
SELECT coalesce(i.departement_code, m.departement_code, 'ZZ') AS departement_code, s.siret, s.name,
       s.sign, s.postal_code, s.municipal_code, coalesce(i.iris_code, m.only_iris) AS iris_code,
       CASE WHEN i.iris_code IS NOT NULL THEN s.located_by
            WHEN m.only_iris IS NOT NULL THEN 'commune' END AS iris_by,
       s.naf_code, pg_temp.division(s.nomenclature, s.naf_code) AS naf_division,
       coalesce(s.nomenclature, 'none') AS nomenclature, s.naf2025_code,
       coalesce(s.head_count_band, 'NN') AS head_count_band, s.created,
       s.is_headquarters, s.location_quality, s.code_change, s.geom
  FROM public_stock s
  LEFT JOIN municipalities m USING (municipal_code)
  LEFT JOIN found AS f USING (siret)
  LEFT JOIN (SELECT iris_code, departement_code FROM france_iris) AS i ON i.iris_code = f.iris_code
 ORDER BY s.geom;
CREATE INDEX ON establishments (naf_code);

CREATE TABLE counts_by_iris AS
SELECT e.iris_code, e.nomenclature, e.naf_division, e.head_count_band,
       count(*)::bigint AS establishments
  FROM establishments e
 WHERE e.iris_code IS NOT NULL
 GROUP BY 1, 2, 3, 4
 ORDER BY 1, 2, 3, 4;

-- All active establishments, those that are not fully public included, by the commune or
-- arrondissement that the register says.
CREATE TABLE counted AS SELECT count(*)::bigint AS establishments FROM stock;
CREATE TABLE counts_by_commune AS
SELECT CASE WHEN s.municipal_code ~ '^\w{5}$' THEN s.municipal_code ELSE 'ZZZZZ'
       END AS municipal_code,
       m.commune_code,
       coalesce(s.nomenclature, 'none') AS nomenclature,
       pg_temp.division(s.nomenclature, s.naf_code) AS naf_division,
       coalesce(s.head_count_band, 'NN') AS head_count_band,
       count(*)::bigint AS establishments,
       count(*) FILTER (WHERE s.diffusion IS DISTINCT FROM 'O')::bigint AS not_public
  FROM stock s
  LEFT JOIN municipalities m USING (municipal_code)
 GROUP BY 1, 2, 3, 4, 5
 ORDER BY 1, 2, 3, 4, 5;

COMMENT ON TABLE establishments
    IS 'Active and fully public establishments of France, as points';
COMMENT ON COLUMN establishments.departement_code
    IS 'Code of the département by the point or the commune; ZZ abroad or unknown'
    ' [unit: code; aggregate: key; from: france.iris]';
COMMENT ON COLUMN establishments.iris_code IS 'IRIS'
    ' [unit: code; aggregate: none; from: france.iris]';
COMMENT ON COLUMN establishments.iris_by
    IS 'How the IRIS was found: geolocation or stock (by the point), commune (one IRIS only); empty'
    ' when it was not [unit: word; aggregate: none; from: computed]';
COMMENT ON COLUMN establishments.naf_division
    IS 'Division of the nomenclature beside it, NAF rev. 2 or NAF 2025, two digits; other for older'
    ' ones'
    ' [unit: code; aggregate: none; from: fr-sirene.activitePrincipaleEtablissement]';
COMMENT ON COLUMN establishments.nomenclature
    IS 'Nomenclature of the activity and its division; none where the register says none'
    ' [unit: code; aggregate: none; from: fr-sirene.nomenclatureActivitePrincipaleEtablissement]';
COMMENT ON COLUMN establishments.location_quality
    IS 'Quality of the point: 11 and 12 are good, 33 is somewhere in the commune'
    ' [unit: code; aggregate: none; from: fr-sirene-geolocation.qualite_xy]';
COMMENT ON COLUMN establishments.code_change IS 'Change of the code of the commune since'
    ' [unit: words; aggregate: none; from: fr-movements]';
COMMENT ON COLUMN establishments.geom IS 'Point in WGS 84 (EPSG:4326); empty when there is none'
    ' [unit: degree; aggregate: none; from: fr-sirene-geolocation]';

COMMENT ON TABLE counts_by_iris
    IS 'Active and fully public establishments of each IRIS of France by division of activity and'
    ' band of the head count';
COMMENT ON COLUMN counts_by_iris.establishments IS 'Establishments'
    ' [unit: establishments; aggregate: sum; from: fr-sirene.siret]';

COMMENT ON TABLE counts_by_commune
    IS 'All active establishments of each commune of France, also those that are not fully public,'
    ' by division of activity and band of the head count';
COMMENT ON COLUMN counts_by_commune.municipal_code
    IS 'Code of the commune or arrondissement; ZZZZZ abroad or unknown'
    ' [unit: code; aggregate: key; from: fr-sirene.codeCommuneEtablissement]';
COMMENT ON COLUMN counts_by_commune.commune_code
    IS 'Code of the commune; empty when it is not one of today'
    ' [unit: code; aggregate: same; from: france.communes]';
COMMENT ON COLUMN counts_by_commune.not_public
    IS 'Of these, establishments that are not fully public'
    ' [unit: establishments; aggregate: sum; from: fr-sirene.statutDiffusionEtablissement]';
