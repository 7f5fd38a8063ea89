/** `npm run mutants`. The work is in main.ts. */
import { load } from '../../harness/tools/build/load.mjs';

const { main } = await load('test/mutants/main.ts');
process.exitCode = await main(process.argv.slice(2));
