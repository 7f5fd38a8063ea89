// npm run gpu-code
import { load } from '../tools/load.mjs';

const { main } = await load('harness/gpu_code/gpu_code.ts');
process.exit(await main(process.argv.slice(2)));
