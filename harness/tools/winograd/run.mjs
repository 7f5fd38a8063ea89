// npm run winograd
import { load } from '../load.mjs';

const { main } = await load('harness/tools/winograd/search.ts');
process.exit(await main(process.argv.slice(2)));
