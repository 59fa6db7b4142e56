-- Connections and events are read by the names and labels of their listeners, of those that are closed too.
CREATE INDEX listeners_closed_name_idx ON listeners (name, id) WHERE NOT is_live;
CREATE INDEX listener_specs_labels_idx ON listener_specs USING gin (labels jsonb_path_ops);
