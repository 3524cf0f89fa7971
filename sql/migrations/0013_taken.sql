-- Taken: what each run took of its machine, from which the sizes of pods follow (`make sizes`).

ALTER TABLE catalog.run
    ADD COLUMN peak_mib    double precision,
    ADD COLUMN cpu_seconds double precision,
    ADD COLUMN scratch_mib double precision;
COMMENT ON COLUMN catalog.run.peak_mib IS 'Most memory the process held during the run, in MiB; null where the run was killed, or is older than this column.';
COMMENT ON COLUMN catalog.run.cpu_seconds IS 'Seconds of all processors together that the run took; null likewise.';
COMMENT ON COLUMN catalog.run.scratch_mib IS 'Most that the files in scratch held on the disk during the run, in MiB; null likewise. What other runs left there counts too.';
