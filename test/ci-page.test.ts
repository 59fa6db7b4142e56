/** What docs/ci.md has for every shell; its other languages are in ci-page.long.test.ts. */
import { ciPagePasses } from './support/ci-page.ts';
import { bash, shell } from './support/clients-page.ts';

ciPagePasses([bash, shell]);
