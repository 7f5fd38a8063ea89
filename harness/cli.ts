#!/usr/bin/env node
import { main, usesDawn } from './cli/main';
import { quietly } from './cli/quiet';

// What is printed may be lost, and the files are written all the same: whoever reads has read enough (`| head`), the disk of a log is
// full, the terminal is closed.
process.stdout.once('error', ({ code, message }: NodeJS.ErrnoException) => {
  process.stdout.on('error', () => {});
  if (code !== 'EPIPE') process.stderr.write(`Nothing more can be printed (${message}); the work goes on.\n`);
});
process.stderr.on('error', () => {});
const args = process.argv.slice(2);
const exitCode = await (usesDawn(args) ? quietly(() => main(args)) : main(args));
// Dawn's threads would keep the process alive; and what is still in a pipe must not be cut off.
process.stdout.write('', () => process.exit(exitCode));
