/** Which statements touch rows that belong to projects, and do not say whose. */
import type { SentStatements } from './sent-statements.ts';

/** Those with a column `project`. */
const tables = [
  ...['listeners', 'open_connections', 'closed_connections', 'events', 'log_heads', 'log_marks'],
  ...['log_ages', 'idempotency_keys', 'api_keys', 'nodes', 'join_tokens', 'audit_entries'],
];
const table = `(?:"?\\w+"?\\.)?"?(?:${tables.join('|')})"?(?![\\w"])`;
/** A row that is read, changed or deleted, by whatever its table is called in the statement. */
const touch = new RegExp(
  `\\b(?:FROM|JOIN|UPDATE|USING) ${table}|, ${table} (?:AS )?"?\\w\\w?"? `,
  'gi',
);
/** `project = $1`, `h.project = ANY ($4)`, `"api_keys"."project" = $1`, `project::bigint = $3`, `(project, key) IN`. */
const condition =
  /\bproject\b"?(?:::\w+)?\)? ?(?:=|IN\b|IS (?:NULL|NOT DISTINCT FROM)\b|, \w+\) IN\b)/gi;
const insert = new RegExp(`\\bINSERT INTO ${table} \\(([^)]*)\\)`, 'gi');

/** What is left out on purpose, by its words, and why it may be. */
export type Reasons = readonly (readonly [words: RegExp, why: string])[];

const ofListener = 'its listener was found in its project';
export const storeReasons: Reasons = [
  [/UPDATE listeners l SET .* WHERE l\.id = r\.id/, '`held` has them already, of their projects'],
  [/FROM (?:closed|open)_connections \w WHERE \w\.listener_id = l\.id/, ofListener],
  [/FROM closed_connections c WHERE \(c\.listener_id, [\w., ]+\) < \(l\.value, /, ofListener],
  [/FROM events e WHERE e\.listener_id = \w\./, ofListener],
  [/FROM listeners l WHERE l\.id = s\.listener_id/, ofListener],
  [/FROM listeners l .* WHERE l\.id = ANY \(\$1::uuid\[\]\)/, 'what was found in its project'],
  [/FROM listeners WHERE node = \$1::integer AND is_live/, 'a sweep by node, at a start'],
  [/FROM listeners l WHERE l\.node = n\.ref/, 'a sweep by node'],
  [
    /FROM listeners l .* WHERE l\.node = \$1::integer AND l\.closed_at >=/,
    'a sweep by node, at a start',
  ],
  [/FROM open_connections o WHERE o\.node = n\.ref/, 'a sweep by node'],
  [/FROM writers w JOIN nodes n ON n\.ref = w\.ref WHERE w\.id = \$1/, 'how the node is'],
  [/SELECT FROM nodes n WHERE n\.ref = writers\.ref/, 'how the node is'],
  [
    /SELECT n\.id FROM nodes n WHERE n\.id <> \$1 AND n\.is_built_in/,
    'which other nodes there are',
  ],
  [/UPDATE nodes SET state = 'pending'.* WHERE id = \$1/, 'a node that takes its own place'],
  [/^UPDATE nodes SET state = \$2::node_state, removed_at = NULL WHERE ref = \$1/, 'its own node'],
  [/^SELECT ref, id, name FROM nodes$/, 'the names of nodes, for rows of a project'],
  [
    /^SELECT project, count\(\*\).* FROM idempotency_keys GROUP BY project$/,
    'a bound of the whole database',
  ],
  [
    /SELECT project, key FROM idempotency_keys WHERE created_at NOT BETWEEN \$1/,
    'a sweep of those that have expired',
  ],
  [
    /^SELECT .* FROM "\w+"\."audit_entries" WHERE (?!.*"audit_entries"\."project" (?:=|IS)).*$/,
    'an operator who names no project sees the entries of all',
  ],
  [/DELETE FROM audit_entries WHERE id IN \(/, 'what it finds itself, by the rules below'],
  [/SELECT id FROM audit_entries WHERE time < \$1/, 'a sweep of those that are too old'],
  [/^SELECT project FROM log_heads ORDER BY project$/, 'the projects that there are'],
  [/UPDATE log_heads SET log_id = gen_random_uuid\(\)/, 'a database that has gone back, whole'],
];

/** With one blank between words, and without what is left out on purpose. */
function rest(text: string, reasons: Reasons): string {
  const plain = text.replace(/\s+/g, ' ').trim();
  return reasons.reduce((left, [words]) => left.replaceAll(new RegExp(words, 'g'), ''), plain);
}

function isApart(text: string, reasons: Reasons): boolean {
  const left = rest(text, reasons);
  const touched = left.match(touch)?.length ?? 0;
  const named = left.match(condition)?.length ?? 0;
  const rows = [...left.matchAll(insert)].map(([, columns = '']) => columns);
  return named >= touched && rows.every((columns) => /\bproject\b/i.test(columns));
}

/** The statements that do not say whose rows they touch, and the reasons that none needs. */
export function notApart({ texts }: SentStatements, reasons: Reasons) {
  const sent = [...texts];
  const isUsed = ([words]: Reasons[number]) =>
    sent.some((text) => words.test(text.replace(/\s+/g, ' ').trim()));
  return {
    statements: sent.filter((text) => !isApart(text, reasons)),
    unused: reasons.filter((reason) => !isUsed(reason)).map(([words]) => String(words)),
  };
}

/** What comes to those of the store in a whole kodama. */
export const tenancyReasons: Reasons = [
  [
    /FROM node_commands c JOIN nodes n ON n\.ref = c\.node/,
    'what is asked of the nodes that are here',
  ],
  [/FROM api_keys k .* WHERE k\.digest = \$1 OR k\.former_digest = \$1/, 'whose a key is'],
  [
    /DELETE FROM api_keys WHERE id IN \( SELECT id FROM api_keys WHERE least\(.*\) < \$1/,
    'a sweep of those that ended long ago',
  ],
  [
    /DELETE FROM join_tokens WHERE id IN \( SELECT id FROM join_tokens WHERE least\(.*\) < \$1/,
    'a sweep of those that ended long ago',
  ],
  [
    /^SELECT .* FROM (?:"\w+"\.)?"?join_tokens"? WHERE .*"?digest"? = \$1\b/,
    'whose a join token is',
  ],
  [
    /^SELECT COUNT\(\*\) .* FROM "\w+"\."nodes" WHERE \("\w+"\."nodes"\."is_built_in" = \$1 AND "\w+"\."nodes"\."state" <> [^=]*$/,
    'a bound of the whole database',
  ],
  [
    /DELETE FROM nodes WHERE ref IN \( SELECT n\.ref FROM nodes n WHERE n\.state = 'removed'/,
    'a sweep of those that were removed long ago',
  ],
  [
    /FROM listeners l WHERE l\.node = n\.ref\) AND NOT EXISTS \(SELECT FROM open_connections o/,
    'the same sweep',
  ],
  [/UPDATE nodes n SET removed_at = CASE .*$/, 'a sweep of replicas that ended'],
  [
    /^SELECT n\.id FROM nodes n WHERE n\.state = 'removed' .* SELECT node FROM listeners WHERE is_live UNION ALL SELECT node FROM open_connections \) .*$/,
    'a sweep of all that were removed',
  ],
  [
    /^SELECT .* FROM "\w+"\."nodes" WHERE "\w+"\."nodes"\."ref" IN \(\$1\) OFFSET \$2$/,
    'a node that was held, and changed, in its project',
  ],
  [/^SELECT FROM nodes WHERE id = \$1 AND cordoned AND state <> 'removed'$/, 'its own node'],
  [/^SELECT state, count\(\*\) FROM nodes WHERE NOT is_built_in GROUP BY state$/, 'how many'],
  [/^WITH silent AS MATERIALIZED \( SELECT n\.ref FROM nodes n, fleet f .*$/, 'a sweep of all'],
  [/^SELECT l\.project, l\.id FROM nodes n JOIN listeners l ON l\.node = n\.ref .*$/, 'the same'],
];
