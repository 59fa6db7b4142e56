-- Lists of what has a declared address, as those of raddr (20261126080000_projects): what has none costs them nothing.
CREATE INDEX closed_connections_declared_raddr_idx ON closed_connections (project, declared_raddr, id)
  INCLUDE (close_reason, protocol, listener_id, raddr) WHERE declared_raddr IS NOT NULL;
CREATE INDEX closed_connections_declared_idx ON closed_connections (project, id)
  INCLUDE (declared_raddr, close_reason, protocol, listener_id, raddr) WHERE declared_raddr IS NOT NULL;
