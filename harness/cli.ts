#!/usr/bin/env node
import { main } from './main';

const exitCode = await main(process.argv.slice(2));
// Dawn's threads would keep the process alive; and what is still in a pipe must not be cut off.
process.stdout.write('', () => process.exit(exitCode));
