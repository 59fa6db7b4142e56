/** The lines that add a host as a node: a shell there runs them as they stand. */
export interface Joining {
  readonly secret: string | null;
  /** Where nodes join; null while the gateway is off. */
  readonly joinUrl: string | null;
}

export function joinLines({ secret, joinUrl }: Joining): readonly [string, string] {
  return [`export KODAMA_JOIN_TOKEN=${secret}`, `kodama agent --join ${joinUrl ?? 'URL'}`];
}
