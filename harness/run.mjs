/** `npm run train`, …: runs the command line from its sources, without a build. */
import { load } from './tools/build/load.mjs';

await load('harness/cli.ts');
