/** Prints, as JSON, the runs of test/lib/bits.ts of the given size as a process of its own makes them. */
import { create, globals } from 'webgpu';
import { load } from '../../harness/tools/build/load.mjs';

Object.assign(globalThis, globals);
const gpu = create([]);
const { runs } = await load('test/lib/bits.ts');
console.log(JSON.stringify(await runs(process.argv[2], gpu)));
// Dawn's threads would keep it alive.
process.exit();
