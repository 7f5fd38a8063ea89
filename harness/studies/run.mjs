// npm run recipe, recording, shapes, winograd: runs the `main` of a study, named by its path in this folder.
import { load } from '../tools/build/load.mjs';

const [study, ...args] = process.argv.slice(2);
const { main } = await load(`harness/studies/${study}.ts`);
process.exit(await main(args));
