-- How old the log's events are is counted by a time of the log's own, and how large they are is counted as they are
-- appended: neither what a clock shows nor what an event holds may erase the log, or keep it for ever.

-- The log's time, in microseconds. It follows the database's clock, but never leaps with it and never stands still:
-- see src/core/retention.ts.
CREATE TABLE log_clock (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  time bigint NOT NULL
) WITH (fillfactor = 10);

-- About what all events so far took, those that are gone too.
ALTER TABLE log_head ADD COLUMN bytes bigint NOT NULL DEFAULT 0;

-- Where the log stood at a time of its own: up to seq, each event is at least that old, and all together took so many
-- bytes. The newest of those below the oldest event stays.
CREATE TABLE log_ages (
  seq bigint PRIMARY KEY,
  time bigint NOT NULL,
  bytes bigint NOT NULL
);

-- What is there already is as old as its events say, as long as that is not ahead of now.
INSERT INTO log_clock (time)
  SELECT CASE WHEN seq = 0 THEN now ELSE least(now, max_time) END
  FROM log_head, (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now) clock;
UPDATE log_head SET bytes = CASE WHEN seq >= oldest_seq
  THEN pg_total_relation_size('closed_connections') + pg_total_relation_size('events') ELSE 0 END;
INSERT INTO log_ages SELECT oldest_seq - 1, 0, 0 FROM log_head;
INSERT INTO log_ages
  SELECT m.seq, least(m.max_time, c.time), (h.bytes::numeric * (m.seq - h.oldest_seq + 1) / (h.seq - h.oldest_seq + 1))::bigint
  FROM log_head h, log_clock c, (
    SELECT seq, max_time, row_number() OVER (ORDER BY seq) AS place, count(*) OVER () AS number FROM log_marks
  ) m
  WHERE m.seq >= h.oldest_seq AND m.seq < h.seq AND m.place % (m.number / 1000 + 1) = 0;
INSERT INTO log_ages SELECT h.seq, c.time, h.bytes FROM log_head h, log_clock c WHERE h.seq >= h.oldest_seq;

-- The marks now tell the latest time since the mark before: so a time that was far ahead once matters only as long as
-- its event is kept. (Of those that are there, each tells the latest time of all before, which leads to the same place.)
DROP INDEX log_marks_max_time_idx;
