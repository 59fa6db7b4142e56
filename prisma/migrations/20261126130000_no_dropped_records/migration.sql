-- Nothing of a node is dropped: its workers wait. So there is nothing to count.
ALTER TABLE nodes DROP COLUMN dropped_records;
