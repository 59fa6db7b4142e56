/** A variable that is misspelt, or that is for what is off, would otherwise be passed over in silence. */
import { nearestWord } from './core/nearest-word.ts';

/** Read by other programs of the project, or by the scripts around them. */
const ofOthers = new Set([
  'KODAMA_URL',
  'KODAMA_JOIN_TOKEN',
  'KODAMA_PROJECT',
  'KODAMA_CA_CERT',
  'KODAMA_HOST',
  'KODAMA_PORT',
  'KODAMA_LISTENER',
]);

/** A sentence for each name that begins as ours do and is not one, with the nearest that is. */
export function unknownVariables(
  given: readonly string[],
  known: readonly string[],
): readonly string[] {
  const isStrange = (name: string) => /^KODAMA_/i.test(name) && !known.includes(name);
  return given
    .filter((name) => isStrange(name) && !ofOthers.has(name))
    .map(
      (name) => `${name} is not a variable of kodama's, so it has no effect${hint(name, known)}`,
    );
}

const ofGateway = [
  ...['KODAMA_GATEWAY_HOST', 'KODAMA_GATEWAY_URL'],
  ...['KODAMA_GATEWAY_TLS_CERT', 'KODAMA_GATEWAY_TLS_KEY'],
  ...['KODAMA_NODE_CONNECTIONS_MAX', 'KODAMA_FLEET_CONNECTIONS_MAX'],
  'KODAMA_NODE_RECORDS_PER_SECOND',
];

/** No refusal: replicas with and without a gateway may share a file of variables. What is given empty is not given. */
export function gatewayWarnings(
  given: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const isGiven = (name: string) => (given[name] ?? '') !== '';
  if (isGiven('KODAMA_GATEWAY_PORT')) return [];
  return ofGateway
    .filter(isGiven)
    .map((name) => `${name} has no effect without KODAMA_GATEWAY_PORT`);
}

function hint(name: string, known: readonly string[]): string {
  const nearest = nearestWord(name.toUpperCase(), known);
  return nearest === null ? '' : `: is it ${nearest} that is meant?`;
}
