-- A TLS key lies as it is (`tls_key`), or encrypted under the key that `key_id` names: see src/postgres/secret-cipher.ts.
-- Rows of before stay as they are until a key is set; then a process re-encrypts them, a few at a time.
ALTER TABLE listener_secrets
  ALTER COLUMN tls_key DROP NOT NULL,
  ADD COLUMN key_id text,
  ADD COLUMN sealed_tls_key bytea,
  ADD CONSTRAINT listener_secrets_form_check
    CHECK ((tls_key IS NULL) = (sealed_tls_key IS NOT NULL) AND (key_id IS NULL) = (sealed_tls_key IS NULL));
