/** The programs in the documentation, as they stand. What they take as given is in ../docs_given.ts. */
import { expect, test } from 'vitest';
import * as digits from '../../src/data/digits';
import * as library from '../../src/index';
import * as node from '../../src/node/index';
import * as pretrained from '../../src/pretrained/index';
import { testGpu } from '../lib/gpu';
import { blocksOf, documents } from './docs_code';
import { given, tuningCache } from './docs_given';

const { gpu, source } = await testGpu();

/** Images, and as many in a batch, and few channels, so that whole trainings take no time. */
const FEW = 16;
const { digits: recipe, ...recipes } = library.recipes;
const small = {
  ...recipe,
  network: { ...recipe.network, widths: [4, 4, 4], kernelSize: 3 },
  trainer: { ...recipe.trainer, batchSize: FEW },
};

const modules: Record<string, object> = {
  'webgpu-diffusion': {
    ...library,
    // On the tests' device, which has compiled and checked most kernels already.
    createEngine: (options: library.EngineOptions = { gpu: source }) =>
      library.createEngine({ tuningCache, ...options }),
    recipes: { ...recipes, digits: small },
  },
  'webgpu-diffusion/node': node,
  'webgpu-diffusion/pretrained': pretrained,
  'webgpu-diffusion/digits': {
    async loadDigits() {
      const { images, height, width, ...set } = await digits.loadDigits();
      return { ...set, images: images.subarray(0, FEW * height * width), count: FEW, height, width };
    },
    loadDigitLabels: async () => (await digits.loadDigitLabels()).subarray(0, FEW),
  },
};

type Program = (load: (name: string) => object, console: object, ...given: unknown[]) => Promise<void>;
const AsyncFunction = (async () => {}).constructor as new (...parts: string[]) => Program;

/** A program that takes its imports, the console and the given names from outside. In a block of its own, it may declare these anew. */
const compile = (code: string, names: readonly string[]) =>
  new AsyncFunction(
    'load',
    'console',
    ...names,
    `{${code.replace(
      /^import \{([^}]*)\} from '([^']+)';/gm,
      (_, imported: string, from) => `const {${imported.replaceAll(' as ', ': ')}} = load('${from}');`,
    )}}`,
  );

const programs = documents
  .flatMap((document) => blocksOf(document))
  .filter(({ language, file, notRun, runBy }) => language === 'js' && !file && !notRun && !runBy);

test.each(programs)('the program in $document, line $line, runs', async ({ code }) => {
  const values = await given(gpu.device);
  const printed: string[] = [];
  const load = (name: string) => {
    if (!modules[name]) throw new Error(`The tests have no module ${name} for the documentation.`);
    return modules[name];
  };
  const console = { log: (...text: unknown[]) => printed.push(text.join(' ')) };
  const all = { ...values, navigator: { gpu: source } };
  await compile(code, Object.keys(all))(load, console, ...Object.values(all));
  if (code.includes('console.log') && !code.includes('catch')) expect(printed.length).toBeGreaterThan(0);
  values.engine.destroy();
});
