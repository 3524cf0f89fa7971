-- What is absent, left out or named, beside what is there; and notices of licences that say what they must.

ALTER TABLE catalog.join_report ADD COLUMN figures_named bigint, ADD COLUMN population_named numeric;
COMMENT ON COLUMN catalog.join_report.figures_named IS
    'Codes of figures that the ledger of code events names and could not carry; null in editions made before this was kept.';
COMMENT ON COLUMN catalog.join_report.population_named IS 'Persons under these codes; null when the figures count no persons.';

