// npm run recipe
import { load } from '../tools/load.mjs';

const { main } = await load('harness/recipe/study.ts');
process.exit(await main(process.argv.slice(2)));
