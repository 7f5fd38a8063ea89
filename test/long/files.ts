/** What readers make of files, addresses and command lines that are damaged or mean harm. */
import fc from 'fast-check';
import { TestRandom } from '../../harness/specs/lib/spec';
import { whole } from '../../harness/text/units';
import { checkConfig, listParameters } from '../../src/unet/config';
import { loadCheckpoint, saveCheckpoint } from '../../src/weights/checkpoint';
import { loadModel } from '../../src/weights/model';
import { saveModel } from '../../src/weights/save_model';
import { openAt, query } from '../commands/fuzz/address';
import { damaged } from '../commands/fuzz/damage';
import { flippedBits } from '../commands/fuzz/flips';
import { attempt, type Format, formats } from '../commands/fuzz/formats';
import { hostile } from '../commands/fuzz/hostile';
import { commands, read, typed } from '../commands/fuzz/typed';
import { data, settings, snapshotOf, state, trainer } from '../lib/small_files';
import { all, type Row } from './row';

const FLIPS = 2000;
const RUNS = 10_000;
const options = { seed: 2, numRuns: RUNS };

/** The tutorial's network, so that files have the size of real ones. */
const config = checkConfig();
const { parameters } = listParameters(config);
const random = new TestRandom(1);
const values = () => new Map(parameters.map(({ name, size }) => [name, random.floats(size)]));
const weights = values();
const unet = { config, parameters, getParameters: async () => weights };

const large = {
  model: async () => ({ file: await saveModel(unet), load: loadModel }),
  'model, F16': async () => ({ file: await saveModel(unet, { dtype: 'F16' }), load: loadModel }),
  checkpoint: async () => {
    const large = { parameters: weights, state: { ...state, moment1: values(), moment2: values() } };
    const run = { ...trainer, unet, ...snapshotOf(large) };
    return {
      file: await saveCheckpoint({ trainer: run, settings, data, losses: [3, 2, 1] }),
      load: loadCheckpoint,
    };
  },
};

const flips = Object.entries(large).flatMap(([name, make]): Row[] =>
  (['header', 'data'] as const).map((part) => ({
    name: `flipped bits noticed: ${name}, ${part}`,
    async run() {
      const { file, load } = await make();
      const start = 8 + Number(new DataView(file.buffer).getBigUint64(0, true));
      const [from, to] = part === 'header' ? [0, start] : [start, file.length];
      return all(flippedBits(file, load, FLIPS, from, to), FLIPS, ` (${whole(to - from)} bytes)`);
    },
  })),
);

/** Every case twice: as a Uint8Array and as a Buffer. */
async function attempts(format: Format, files: fc.Arbitrary<Uint8Array>): Promise<string> {
  const seen = { loaded: 0, refused: 0 };
  const property = fc.asyncProperty(files, async (bytes) => {
    seen[await attempt(format, bytes)]++;
  });
  await fc.assert(property, options);
  return `2 x ${whole(RUNS)} whole or refused (${whole(seen.loaded)} whole)`;
}

const readers = formats.map(
  (format): Row => ({
    name: `damaged: ${format.name}`,
    run: () => attempts(format, damaged(format.files)),
  }),
);

const metadata = formats
  .filter(({ name }) => name === 'model' || name === 'checkpoint')
  .map(
    (format): Row => ({
      name: `metadata that say anything: ${format.name}`,
      run: () => attempts(format, hostile(format.files[0])),
    }),
  );

const addresses: Row = {
  name: 'addresses of the page',
  async run() {
    fc.assert(
      fc.property(query, (text) => void openAt(text)),
      options,
    );
    return all(RUNS, RUNS);
  },
};

const flags: Row = {
  name: 'command lines',
  async run() {
    for (const command of commands)
      fc.assert(
        fc.property(typed(command), (args) => void read(command, args)),
        options,
      );
    return all(RUNS * commands.length, RUNS * commands.length);
  },
};

export const files: readonly Row[] = [...flips, ...readers, ...metadata, addresses, flags];
