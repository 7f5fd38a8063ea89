#!/usr/bin/env node
import { main, usesDawn } from './cli/main';
import { isChild, runInChild } from './cli/quiet';

// Whoever reads may have read enough (`| head`); files are still written.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});
const args = process.argv.slice(2);
const apart = process.platform === 'linux' && !isChild() && usesDawn(args);
const exitCode = await (apart ? runInChild() : main(args));
// Dawn's threads would keep the process alive; and what is still in a pipe must not be cut off.
process.stdout.write('', () => process.exit(exitCode));
