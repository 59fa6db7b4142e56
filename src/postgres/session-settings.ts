/** What PostgreSQL is to do otherwise in the sessions of each pool. */

/**
 * What is answered is durable, whatever a role, a database or a server says. Who waits for a standby, or for none, goes on so.
 * https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-SYNCHRONOUS-COMMIT
 */
export const durability = `SELECT set_config('synchronous_commit', 'on', false)
  WHERE current_setting('synchronous_commit') = 'off'`;

/**
 * Every table has the index that a statement here needs, so a scan of the whole table is never right, whatever the
 * statistics of a table that was empty a moment ago say.
 */
export const sessionSettings = `${durability}; SET enable_seqscan = off; SET jit = off`;

/**
 * The append is planned once a connection: left to itself the server would plan it anew each time, for a quarter of
 * what a small one costs. Whatever its values are, it finds rows by their keys.
 */
export const writerSettings = `${sessionSettings}; SET plan_cache_mode = force_generic_plan;
  SET enable_hashjoin = off; SET enable_mergejoin = off`;

/** So are reads whose plan is the same whatever they look for; what they find is in the order of an index. */
export const keeperSettings = `${writerSettings}; SET enable_bitmapscan = off; SET enable_sort = off;
  SET enable_incremental_sort = off`;
