-- Promptness: when publishers released, when we saw it, when it was shown; and what is overdue by the rhythm of its own earlier vintages.

CREATE INDEX ON catalog.edition_input (source, source_vintage);

CREATE FUNCTION catalog.http_date(header text) RETURNS timestamptz LANGUAGE plpgsql STABLE STRICT AS $$
BEGIN
    IF header !~ '^[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (GMT|UTC|[+-]0000)$' THEN
        RETURN NULL;
    END IF;
    RETURN (substring(header FROM '^....(.* \d\d:\d\d:\d\d)') || ' UTC')::timestamptz;
EXCEPTION WHEN invalid_datetime_format OR datetime_field_overflow THEN
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION catalog.http_date IS 'The moment of a Last-Modified header; null where it is written in another way, or is no day.';

-- A date of the publisher counts where it can be one: not before the year before the vintage, as 1970-01-01 and the first day of a whole
-- series are, and not after we saw the file, nor in the future. The time of a file that a person laid into the inbox is not the publisher's.
CREATE VIEW catalog.release AS
WITH received AS (
    SELECT DISTINCT ON (source, source_vintage, mirror)
           source, source_vintage AS vintage, mirror, asked_at, url,
           CASE WHEN mirror <> '' OR url NOT LIKE '%/' || source || '-' || source_vintage || '.%'
                THEN catalog.http_date(last_modified) END AS last_modified
      FROM catalog.retrieval
     WHERE sha256 IS NOT NULL AND state IN ('new', 'changed', 'moved', 'unchanged')
     ORDER BY source, source_vintage, mirror, asked_at, id
), watched AS (
    SELECT source, vintage, mirror, min(released_at) AS released_at, min(seen_at) FILTER (WHERE state = 'out') AS seen_at,
           max(url) FILTER (WHERE state = 'out') AS url
      FROM catalog.prospect
     GROUP BY source, vintage, mirror
), listed AS (
    SELECT source, source_vintage AS vintage, mirror, min(issued) AS issued
      FROM catalog.listed_file
     GROUP BY source, source_vintage, mirror
), series AS (
    SELECT source, mirror, url
      FROM (SELECT source, source_vintage AS vintage, mirror, url
              FROM catalog.retrieval
             WHERE sha256 IS NOT NULL AND state IN ('new', 'changed', 'moved', 'unchanged')
             UNION
            SELECT source, vintage, mirror, url FROM catalog.prospect WHERE state = 'out') AS asked
     WHERE url <> ''
     GROUP BY source, mirror, url
    HAVING count(*) > 1
), shown AS (
    SELECT i.source, i.source_vintage AS vintage, e.mirror, min(p.at) AS shown_at
      FROM catalog.publication p
      JOIN catalog.edition e USING (dataset, number)
      JOIN catalog.edition_input i USING (dataset, number)
     WHERE p.action <> 'withdraw'
     GROUP BY i.source, i.source_vintage, e.mirror
), file AS (
    SELECT source, vintage, mirror, least(w.seen_at, r.asked_at) AS seen_at, w.seen_at AS watched_at, ARRAY[r.url, w.url] AS urls,
           ARRAY[l.issued, w.released_at, r.last_modified] AS said
      FROM received r
      FULL JOIN watched w USING (source, vintage, mirror)
      LEFT JOIN listed l USING (source, vintage, mirror)
), dated AS (
    SELECT f.source, f.vintage, f.mirror, f.seen_at, f.watched_at,
           (SELECT min(day) FROM unnest(f.said) AS day
             WHERE f.seen_at IS NOT NULL AND day <= least(f.seen_at, now())
               AND day >= make_timestamptz(greatest(f.vintage - 1, 1), 1, 1, 0, 0, 0, 'UTC')) AS released_at,
           coalesce((s.declaration ->> 'current')::boolean, false)
               OR EXISTS (SELECT FROM series t WHERE t.source = f.source AND t.mirror = f.mirror AND t.url = ANY (f.urls)) AS one_address
      FROM file f
      LEFT JOIN catalog.source s ON s.slug = f.source AND s.vintage = f.vintage
)
SELECT d.source, d.vintage, d.mirror, d.one_address, CASE WHEN NOT d.one_address THEN d.released_at END AS released_at,
       d.seen_at, d.watched_at, s.shown_at
  FROM dated d
  LEFT JOIN shown s USING (source, vintage, mirror);
COMMENT ON VIEW catalog.release IS
    'Of each file that was received or is in prospect, and of each mirror: when its publisher released it, when we saw it, when it was shown.';
COMMENT ON COLUMN catalog.release.one_address IS
    'Whether one address gives the newest file only, or the same file for several vintages: its dates say nothing of a vintage.';
COMMENT ON COLUMN catalog.release.released_at IS
    'Earliest of the day that a listing gives, of the release found when it was asked for, and of Last-Modified when it was first received; null '
    'where none can be it.';
COMMENT ON COLUMN catalog.release.seen_at IS 'When it was first found to be out, or first received.';
COMMENT ON COLUMN catalog.release.watched_at IS 'When it was first found to be out by asking whether it is; null where nobody asked so.';
COMMENT ON COLUMN catalog.release.shown_at IS 'When an edition made from it was first shown.';

-- A vintage is out when all its files are: those of the edition first shown, or kept for review, or in prospect. Files of other vintages and
-- those of one address are not asked for their dates. A file without a date is taken to have been out with the others, unless it was
-- watched for and seen later than they were released: then the promise counts from there.
CREATE VIEW catalog.promptness AS
WITH shown AS (
    SELECT p.dataset, p.vintage, e.mirror, min(p.at) AS shown_at, (array_agg(p.number ORDER BY p.at, p.id))[1] AS number
      FROM catalog.publication p
      JOIN catalog.edition e USING (dataset, number)
     WHERE p.action <> 'withdraw'
     GROUP BY p.dataset, p.vintage, e.mirror
), review AS (
    SELECT dataset, vintage, mirror, max(number) AS number
      FROM catalog.edition
     WHERE state = 'review'
     GROUP BY dataset, vintage, mirror
), prospect AS (
    SELECT dataset, vintage, mirror, bool_and(state = 'out') AS is_out
      FROM catalog.prospect
     GROUP BY dataset, vintage, mirror
), known AS (
    SELECT dataset, vintage, mirror, coalesce(s.number, r.number) AS number, s.shown_at,
           CASE WHEN s.number IS NOT NULL THEN 'shown' WHEN r.number IS NOT NULL THEN 'review' WHEN p.is_out THEN 'seen' ELSE 'awaited'
           END AS state
      FROM shown s
      FULL JOIN review r USING (dataset, vintage, mirror)
      FULL JOIN prospect p USING (dataset, vintage, mirror)
), input AS (
    SELECT k.dataset, k.vintage, k.mirror, i.source
      FROM known k
      JOIN catalog.edition_input i ON (i.dataset, i.number, i.source_vintage) = (k.dataset, k.number, k.vintage)
     UNION
    SELECT k.dataset, k.vintage, k.mirror, p.source
      FROM known k
      JOIN catalog.prospect p USING (dataset, vintage, mirror)
     WHERE k.state <> 'shown'
), dated AS (
    SELECT i.dataset, i.vintage, i.mirror, count(*) AS files, max(r.released_at) AS released_at,
           coalesce(max(r.seen_at) FILTER (WHERE NOT r.one_address), max(r.seen_at)) AS seen_at,
           max(r.watched_at) FILTER (WHERE r.released_at IS NULL AND NOT r.one_address) AS watched_at
      FROM input i
      LEFT JOIN catalog.release r USING (source, vintage, mirror)
     GROUP BY i.dataset, i.vintage, i.mirror
), counted AS (
    SELECT k.dataset, k.vintage, k.mirror, k.state, k.number, k.shown_at, coalesce(d.files, 0) AS files, d.released_at, d.seen_at,
           coalesce(greatest(d.released_at, d.watched_at), d.seen_at) AS counts_from
      FROM known k
      LEFT JOIN dated d ON (d.dataset, d.vintage, d.mirror) = (k.dataset, k.vintage, k.mirror) AND k.state <> 'awaited'
)
SELECT dataset, vintage, mirror, state, number, files, released_at, seen_at, shown_at,
       CASE WHEN counts_from = released_at THEN 'publisher' WHEN counts_from IS NOT NULL THEN 'first seen' END AS released_by,
       counts_from,
       round(extract(epoch FROM seen_at - released_at) / 86400, 1) AS days_to_see,
       round(extract(epoch FROM shown_at - counts_from) / 86400, 1) AS days_to_show,
       coalesce(shown_at, now()) <= counts_from + interval '15 days' AS within_promise
  FROM counted;
COMMENT ON VIEW catalog.promptness IS
    'Of each vintage that was shown or is in prospect, and of each mirror: when it was released, seen and shown, and whether within fifteen days.';
COMMENT ON COLUMN catalog.promptness.state IS
    'shown (once, if it was withdrawn since), review (made, and kept for a person to accept), seen (all its files are out) or awaited.';
COMMENT ON COLUMN catalog.promptness.number IS 'Edition that was shown first, or the newest that is kept for review.';
COMMENT ON COLUMN catalog.promptness.files IS 'Files of the vintage''s own that it is or will be made from, so far as known; 0 while awaited.';
COMMENT ON COLUMN catalog.promptness.released_at IS
    'Latest of the days on which its files were released, by the publisher''s own dates; null while a file is awaited, or where no date is known.';
COMMENT ON COLUMN catalog.promptness.seen_at IS 'When the last of its files was first seen.';
COMMENT ON COLUMN catalog.promptness.shown_at IS 'When it was first shown; of a backfill long after its release, and so beyond the promise.';
COMMENT ON COLUMN catalog.promptness.released_by IS
    'What the promise counts from: publisher (its dates), or first seen (no date is known, or a file without one was seen later than the others '
    'were released).';
COMMENT ON COLUMN catalog.promptness.counts_from IS 'When the fifteen days begin.';
COMMENT ON COLUMN catalog.promptness.days_to_see IS 'Days from release to sight; null where no date of release is known.';
COMMENT ON COLUMN catalog.promptness.days_to_show IS 'Days from counts_from to the first showing; null while it is not shown.';
COMMENT ON COLUMN catalog.promptness.within_promise IS 'Whether it was shown, or may still be, within fifteen days; null while awaited.';

-- Where an address gives today's file only, each month is an edition. It is out when the last of its files is, by Last-Modified when those
-- bytes were first received; a day more than fifteen before the month is that of a file which stayed as it was.
CREATE VIEW catalog.promptness_of_months AS
WITH shown AS (
    SELECT dataset, number, min(at) AS shown_at FROM catalog.publication WHERE action <> 'withdraw' GROUP BY dataset, number
), known AS (
    SELECT DISTINCT ON (e.dataset, e.vintage, e.mirror, e.as_of)
           e.dataset, e.vintage, e.mirror, e.as_of, e.number, s.shown_at, CASE WHEN s.number IS NULL THEN 'review' ELSE 'shown' END AS state
      FROM catalog.edition e
      LEFT JOIN shown s USING (dataset, number)
     WHERE e.as_of IS NOT NULL AND (s.number IS NOT NULL OR e.state = 'review')
     ORDER BY e.dataset, e.vintage, e.mirror, e.as_of, s.shown_at, e.number DESC
), dated AS (
    SELECT k.dataset, k.number, max(r.asked_at) AS seen_at,
           max(r.last_modified) FILTER (WHERE r.last_modified <= least(r.asked_at, now())
                                          AND r.last_modified >= (k.as_of - 15)::timestamp AT TIME ZONE 'UTC') AS released_at
      FROM known k
      JOIN catalog.edition_input i ON (i.dataset, i.number, i.source_vintage) = (k.dataset, k.number, k.vintage)
     CROSS JOIN LATERAL (SELECT q.asked_at, catalog.http_date(q.last_modified) AS last_modified
                           FROM catalog.retrieval q
                          WHERE (q.source, q.source_vintage, q.mirror) = (i.source, i.source_vintage, k.mirror)
                            AND q.sha256 = i.sha256 AND q.state IN ('new', 'changed', 'moved', 'unchanged')
                          ORDER BY q.asked_at, q.id
                          LIMIT 1) AS r
     GROUP BY k.dataset, k.number
)
SELECT k.dataset, k.vintage, k.mirror, k.as_of, k.state, k.number, d.released_at, d.seen_at, k.shown_at,
       CASE WHEN d.released_at IS NOT NULL THEN 'publisher' WHEN d.seen_at IS NOT NULL THEN 'first seen' END AS released_by,
       coalesce(d.released_at, d.seen_at) AS counts_from,
       round(extract(epoch FROM d.seen_at - d.released_at) / 86400, 1) AS days_to_see,
       round(extract(epoch FROM k.shown_at - coalesce(d.released_at, d.seen_at)) / 86400, 1) AS days_to_show,
       coalesce(k.shown_at, now()) <= coalesce(d.released_at, d.seen_at) + interval '15 days' AS within_promise
  FROM known k
  LEFT JOIN dated d USING (dataset, number);
COMMENT ON VIEW catalog.promptness_of_months IS
    'The same of each month of a dataset whose address gives the newest file only (catalog.edition.as_of); columns are those of catalog.promptness.';

-- The day counts from 1 January of the vintage, and is the latest of the last three. Vintages that were released within half a year of the
-- next one do not count: publishers move their old files to new servers, and date them anew. Releases of two different years make a
-- rhythm; one alone does where a flow asks for a later vintage (catalog.prospect). So a flow of one vintage for good is never overdue, and
-- any other from its first year on. A dataset whose files have no dates of their own has no rhythm.
CREATE VIEW catalog.rhythm AS
WITH vintage AS (
    SELECT dataset, mirror, vintage, state, number, (released_at AT TIME ZONE 'UTC')::date AS released_on FROM catalog.promptness
), newest AS (
    SELECT dataset, mirror, max(vintage) FILTER (WHERE state <> 'awaited') AS vintage, max(vintage) AS asked_for
      FROM vintage
     GROUP BY dataset, mirror
), apart AS (
    SELECT dataset, mirror, vintage, released_on,
           lead(released_on) OVER (PARTITION BY dataset, mirror ORDER BY vintage) - released_on AS days_to_next
      FROM vintage
     WHERE released_on IS NOT NULL
), counted AS (
    SELECT dataset, mirror, vintage, released_on, row_number() OVER (PARTITION BY dataset, mirror ORDER BY vintage DESC) AS back
      FROM apart
     WHERE days_to_next IS NULL OR days_to_next > 182
), usual AS (
    SELECT dataset, mirror, count(*) AS releases, count(DISTINCT extract(year FROM released_on)) AS years,
           max(released_on - make_date(vintage, 1, 1)) AS usual_day
      FROM counted
     WHERE back <= 3
     GROUP BY dataset, mirror
), expected AS (
    SELECT u.dataset, u.mirror, u.releases, u.usual_day, n.vintage AS newest, n.vintage + 1 AS vintage,
           make_date(n.vintage + 1, 1, 1) + u.usual_day AS usually_by,
           make_date(n.vintage + 1, 1, 1) + u.usual_day + 45 AS expected_by
      FROM usual u
      JOIN newest n USING (dataset, mirror)
     WHERE u.years > 1 OR n.asked_for > n.vintage
), file AS (
    SELECT e.dataset, e.mirror, p.source, p.state <> 'out' AS is_awaited
      FROM expected e
      JOIN catalog.prospect p USING (dataset, mirror, vintage)
     UNION ALL
    SELECT e.dataset, e.mirror, i.source, NULL
      FROM expected e
      JOIN vintage v ON (v.dataset, v.mirror, v.vintage) = (e.dataset, e.mirror, e.newest)
      JOIN catalog.edition_input i ON (i.dataset, i.number, i.source_vintage) = (v.dataset, v.number, v.vintage)
), page AS (
    SELECT slug AS source, (array_agg(landing_page ORDER BY vintage DESC))[1] AS landing_page FROM catalog.source GROUP BY slug
), told AS (
    SELECT f.dataset, f.mirror, count(*) FILTER (WHERE f.is_awaited) AS awaited, count(*) FILTER (WHERE NOT f.is_awaited) AS out,
           array_to_string((array_agg(f.source ORDER BY f.source) FILTER (WHERE f.is_awaited))[1:5], ', ') AS names,
           array_to_string((coalesce(array_agg(DISTINCT p.landing_page) FILTER (WHERE f.is_awaited),
                                     array_agg(DISTINCT p.landing_page)))[1:3], ' and ') AS pages
      FROM file f
      LEFT JOIN page p USING (source)
     GROUP BY f.dataset, f.mirror
)
SELECT e.dataset, e.mirror, e.releases, e.usual_day, e.newest, e.vintage, e.usually_by, e.expected_by,
       (now() AT TIME ZONE 'UTC')::date > e.expected_by AS overdue,
       CASE WHEN (now() AT TIME ZONE 'UTC')::date > e.expected_by THEN
           format('%s %s, usually out by %s, was not seen by %s%s: has the address changed? Look at %s, and correct the addresses in '
                  'flows/offices, or lay the files into the inbox.',
                  e.dataset, e.vintage, to_char(e.usually_by, 'FMDD FMMonth YYYY'),
                  to_char(now() AT TIME ZONE 'UTC', 'FMDD FMMonth YYYY'),
                  CASE WHEN t.out > 0 AND t.awaited > 0
                       THEN format(' (%s of %s files are out, awaited: %s%s)', t.out, t.out + t.awaited, t.names,
                                   CASE WHEN t.awaited > 5 THEN format(' and %s more', t.awaited - 5) ELSE '' END)
                       ELSE '' END,
                  coalesce(nullif(t.pages, ''), 'the publisher''s pages'))
       END AS sentence
  FROM expected e
  LEFT JOIN told t USING (dataset, mirror);
COMMENT ON VIEW catalog.rhythm IS
    'When the next vintage of each dataset, and of each mirror, is usually out by the dates of its earlier ones, and whether it is overdue.';
COMMENT ON COLUMN catalog.rhythm.releases IS 'Earlier vintages that the day is taken from, at most the last three.';
COMMENT ON COLUMN catalog.rhythm.usual_day IS 'Days from 1 January of a vintage to its release: the latest of these.';
COMMENT ON COLUMN catalog.rhythm.newest IS 'Newest vintage that is out, shown or not.';
COMMENT ON COLUMN catalog.rhythm.vintage IS 'Vintage that is expected next.';
COMMENT ON COLUMN catalog.rhythm.usually_by IS 'Day on which it is usually out.';
COMMENT ON COLUMN catalog.rhythm.expected_by IS 'That day and 45 of grace.';
COMMENT ON COLUMN catalog.rhythm.overdue IS 'Whether that is gone by and not all its files were seen.';
COMMENT ON COLUMN catalog.rhythm.sentence IS 'What is overdue, and what to do; null where nothing is.';
