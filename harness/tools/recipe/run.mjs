// npm run recipe
import { load } from '../load.mjs';

const { main } = await load('harness/tools/recipe/study.ts');
process.exit(await main(process.argv.slice(2)));
