-- Which rotation gave a key its secret: one that is repeated gives another in its place.
ALTER TABLE api_keys ADD COLUMN rotation UUID;
