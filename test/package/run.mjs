/** `npm run test:package`: the packed package in empty projects. The work is in main.ts. */
import { load } from '../../harness/tools/build/load.mjs';

const { main } = await load('test/package/main.ts');
process.exitCode = await main(process.argv.slice(2));
