// npm run results
import { load } from '../build/load.mjs';

const { main } = await load('harness/tools/results/results.ts');
process.exit(await main(process.argv.slice(2)));
