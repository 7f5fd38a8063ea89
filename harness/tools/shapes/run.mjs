// npm run shapes
import { load } from '../load.mjs';

const { main } = await load('harness/tools/shapes/make.ts');
process.exit(await main(process.argv.slice(2)));
