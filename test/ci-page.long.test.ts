/** What docs/ci.md has for languages whose programs take long to start. */
import { ciPagePasses } from './support/ci-page.ts';
import { go, python } from './support/clients-page.ts';

ciPagePasses([python, go]);
