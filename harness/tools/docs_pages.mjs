/** What the documentation consists of, by paths from the root of the repository. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const docs = new URL('../../docs/', import.meta.url);
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** The guide, in reading order: what a newcomer needs, then what an expert does. A page that is missing here is found by a test. */
export const PAGES = [
  'getting_started',
  'embedding',
  'inside',
  'kernels',
  'weights',
  'adding_a_kernel',
  'troubleshooting',
  'tutorial',
  'recipe',
  'page',
  'commands',
  'gpu',
  'performance',
  'reliability',
].map((page) => `docs/${page}.md`);

/** The lab log, the newest entry first. */
export const LAB = readdirSync(new URL('lab/', docs))
  .filter((file) => file.endsWith('.md'))
  .sort()
  .reverse()
  .map((file) => `docs/lab/${file}`);

/** What the package exports, by what is imported. */
export const ENTRIES = {
  'webgpu-diffusion': 'src/index.ts',
  'webgpu-diffusion/digits': 'src/data/digits.ts',
  'webgpu-diffusion/pretrained': 'src/pretrained/index.ts',
  'webgpu-diffusion/onnx': 'src/onnx/index.ts',
  'webgpu-diffusion/quality': 'src/quality/index.ts',
  'webgpu-diffusion/node': 'src/node/index.ts',
};
