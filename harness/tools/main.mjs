/** `npm run recipe`, `npm run winograd`, …: runs the `main` of a TypeScript file, named by its path from the root of the repository. */
import { load } from './build/load.mjs';

const [file, ...args] = process.argv.slice(2);
const { main } = await load(file);
process.exit(await main(args));
