-- A call under a key may be cut off between its effect and its answer. Whoever repeats it must find what it made:
-- the ids of that are made from the seed. A run is over when its node has begun a newer epoch.
ALTER TABLE idempotency_keys
  ADD COLUMN seed uuid,
  ADD COLUMN node smallint,
  ADD COLUMN epoch bigint;
