/** The Chromium of this machine, for whatever looks at the console: tests, pictures, chaos and the bench. */
import { existsSync } from 'node:fs';

const usual = [
  // It starts for a third of the CPU of a whole browser.
  '/usr/bin/chromium-headless-shell',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Null where none is found. @throws Error where the one that KODAMA_TEST_CHROMIUM names is not there */
export function findChromium(): string | null {
  const { KODAMA_TEST_CHROMIUM: given } = process.env;
  if (!given) return usual.find((path) => existsSync(path)) ?? null;
  if (existsSync(given)) return given;
  throw new Error(`KODAMA_TEST_CHROMIUM: there is no ${given}`);
}
