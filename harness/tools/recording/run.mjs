// npm run recording
import { load } from '../load.mjs';

const { main } = await load('harness/tools/recording/make.ts');
process.exit(await main());
