#!/usr/bin/env node
/**
 * The command `kodama`. This file is for any Node since 20; what it runs, TypeScript in a clone and JavaScript in a
 * package, needs Node 24, which comes with kodama's packages where there is one for the machine: an older Node runs that
 * one in its place.
 */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync } from 'node:fs';
// A name that an older Node lacks would end it here: enableCompileCache is looked for where it is used.
import * as modules from 'node:module';
import { fileURLToPath } from 'node:url';

const majorMin = 24;

if (Number.parseInt(process.versions.node, 10) >= majorMin) {
  keepCompiled();
  const compiled = new URL('../src/cli/main.js', import.meta.url);
  await import(existsSync(compiled) ? compiled.href : '../src/cli/main.ts');
} else {
  const program = packagedNode();
  if (program === null) {
    process.stderr.write(
      `kodama: needs Node.js ${majorMin} or newer, and this is ${process.versions.node}\n`,
    );
    process.exitCode = 1;
  } else {
    runBy(program);
  }
}

/**
 * What was compiled once needs no compiling at the next call: it halves what a short one costs. Node runs it without a look
 * at the sources, so it lies beside the packages, in a folder of this user alone; where that can not be had, nothing is kept.
 */
function keepCompiled() {
  const folder = fileURLToPath(new URL('../node_modules/.cache/kodama', import.meta.url));
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
  } catch {
    return;
  }
  modules.enableCompileCache(folder);
}

function packagedNode() {
  const { resolve } = modules.createRequire(import.meta.url);
  try {
    return resolve(`node-${process.platform}-${process.arch}/bin/node`);
  } catch (error) {
    if (error.code === 'MODULE_NOT_FOUND') return null;
    throw error;
  }
}

/** Signals go on to it, and its end is the end of this process in the same way. */
function runBy(program) {
  const self = fileURLToPath(import.meta.url);
  const child = spawn(program, [self, ...process.argv.slice(2)], { stdio: 'inherit' });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`kodama: cannot run ${program}: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    for (const each of signals) process.removeAllListeners(each);
    if (signal === null) process.exitCode = code ?? 1;
    else process.kill(process.pid, signal);
  });
}
