/** What docs/ci.md has for a shell with curl; its other languages are in ci-page.long.test.ts. */
import { ciPagePasses } from './support/ci-page.ts';
import { bash } from './support/clients-page.ts';

ciPagePasses([bash], (program) => program.includes('curl'));
