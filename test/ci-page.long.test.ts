/** What docs/ci.md has for languages whose programs take long to start; npx is one of them. */
import { ciPagePasses } from './support/ci-page.ts';
import { bash, go, python } from './support/clients-page.ts';

ciPagePasses([bash, python, go], (program) => !program.includes('curl'));
