// npm run winograd
import { load } from '../tools/load.mjs';

const { main } = await load('harness/winograd/search.ts');
process.exit(await main(process.argv.slice(2)));
