/** Prints, as JSON, the runs of test/engine/bits.ts of the given size as a process of its own makes them. */
import { create, globals } from 'webgpu';
import { load } from '../../harness/tools/build/load.mjs';

Object.assign(globalThis, globals);
const gpu = create([]);
const { runs } = await load('test/engine/bits.ts');
console.log(JSON.stringify(await runs(process.argv[2], gpu)));
// Dawn's threads would keep it alive.
process.exit();
