/** docs/ci.md, taken at its word: each program of it is run as it stands, and asserts. */
import { expect, test } from 'vitest';
import { blocks, type Language, runBlock } from './clients-page.ts';
import { all } from './rest-client.ts';
import { commonApp } from './test-app.ts';

export function ciPagePasses(
  languages: readonly Language[],
  isAsked: (program: string) => boolean,
): void {
  const app = commonApp();
  const ended = () => all(app, '/v1/connections?closeReason=peer_fin', 'connections');
  test.for(languages)('the $fence of the page passes', async (language, context) => {
    const before = (await ended()).length;
    const programs = blocks(language.fence, 'docs/ci.md').filter(isAsked);
    expect(programs.length).toBe(1);
    for (const program of programs)
      await runBlock(context, language, program, { http: app.httpPort });
    expect(await ended()).toHaveLength(before + 1);
  });
}
