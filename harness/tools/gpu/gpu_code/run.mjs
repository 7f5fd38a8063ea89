// npm run gpu-code
import { load } from '../../build/load.mjs';

const { main } = await load('harness/tools/gpu/gpu_code/gpu_code.ts');
process.exit(await main(process.argv.slice(2)));
