/** `npm run test:long`: what takes too long for every day. The work is in main.ts. */
import { load } from '../../harness/tools/build/load.mjs';

const { main } = await load('test/long/main.ts');
process.exitCode = await main(process.argv.slice(2));
