-- A peer that reset before its socket was accepted may have left no address. Both statements change the catalog only:
-- no row is looked at or written, however long the history is.
ALTER TABLE open_connections
  ALTER COLUMN raddr DROP NOT NULL,
  ALTER COLUMN rport DROP NOT NULL;
ALTER TABLE closed_connections
  ALTER COLUMN raddr DROP NOT NULL,
  ALTER COLUMN rport DROP NOT NULL,
  ALTER COLUMN net DROP NOT NULL;
