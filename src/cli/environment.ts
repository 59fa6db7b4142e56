/** The environment of the command, read here and nowhere else of it. */

export interface CommandEnvironment {
  readonly url: string;
  readonly token: string | null;
  readonly project: string | null;
  readonly caCert: string | null;
  /** https://no-color.org: any value but the empty one. */
  readonly isColorRefused: boolean;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** An empty variable counts as absent. */
export function readEnvironment(variables: Variables = process.env): CommandEnvironment {
  const given = (name: string) => variables[name] || null;
  return {
    url: given('KODAMA_URL') ?? 'http://127.0.0.1:8080',
    token: given('KODAMA_API_TOKEN'),
    project: given('KODAMA_PROJECT'),
    caCert: given('KODAMA_CA_CERT'),
    isColorRefused: given('NO_COLOR') !== null,
  };
}

/** What a program that is started from here has: all that is here, and these; not what is undefined. */
export function environmentWith(more: Variables): NodeJS.ProcessEnv {
  return { ...process.env, ...more };
}
