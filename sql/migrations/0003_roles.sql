-- One role writes (the owner of these tables), one role reads. A server that does not let us create roles keeps its own.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'geodata_reader') THEN
        CREATE ROLE geodata_reader NOLOGIN;
    END IF;
    GRANT USAGE ON SCHEMA catalog TO geodata_reader;
    GRANT SELECT ON ALL TABLES IN SCHEMA catalog TO geodata_reader;
    ALTER DEFAULT PRIVILEGES IN SCHEMA catalog GRANT SELECT ON TABLES TO geodata_reader;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'role geodata_reader was not created: ask an administrator for CREATE ROLE geodata_reader NOLOGIN';
END
$$;
