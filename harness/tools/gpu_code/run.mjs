// npm run gpu-code
import { load } from '../load.mjs';

const { main } = await load('harness/tools/gpu_code/gpu_code.ts');
process.exit(await main(process.argv.slice(2)));
