#!/usr/bin/env node
import { main, usesDawn } from './cli/main';
import { quietly } from './cli/quiet';

// Output may get lost, but the files are still written: the reader of the pipe has ended (`| head`), the disk of the log is full, or the
// terminal is closed.
process.stdout.once('error', ({ code, message }: NodeJS.ErrnoException) => {
  process.stdout.on('error', () => {});
  if (code !== 'EPIPE') process.stderr.write(`Nothing more can be printed (${message}); the work goes on.\n`);
});
process.stderr.on('error', () => {});
const args = process.argv.slice(2);
const exitCode = await (usesDawn(args) ? quietly(() => main(args)) : main(args));
// The callback lets a pipe drain first, so that its output is not cut off.
process.stdout.write('', () => process.exit(exitCode));
