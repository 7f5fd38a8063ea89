// npm run recipe
import { load } from '../load.mjs';

const { main } = await load('harness/tools/recipe/turns_scratch.ts');
process.exit(await main(process.argv.slice(2)));
