/** What the documentation consists of, by paths from the root of the repository. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const docs = new URL('../../docs/', import.meta.url);
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** What a newcomer needs, then what an expert does. */
const FIRST = [
  'getting_started',
  'embedding',
  'inside',
  'kernels',
  'weights',
  'adding_a_kernel',
  'troubleshooting',
];

const pages = (folder) => readdirSync(new URL(folder, docs)).filter((file) => file.endsWith('.md'));
const place = (file) => {
  const at = FIRST.indexOf(file.replace('.md', ''));
  return at < 0 ? FIRST.length : at;
};

/** The guide, in reading order. */
export const PAGES = pages('.')
  .sort()
  .sort((a, b) => place(a) - place(b))
  .map((file) => `docs/${file}`);

/** The lab log, the newest entry first. */
export const LAB = pages('lab/')
  .sort()
  .reverse()
  .map((file) => `docs/lab/${file}`);

/** What the package exports, by what is imported. */
export const ENTRIES = {
  'webgpu-diffusion': 'src/index.ts',
  'webgpu-diffusion/digits': 'src/data/digits.ts',
  'webgpu-diffusion/files': 'src/files/index.ts',
  'webgpu-diffusion/kernels': 'src/alone/index.ts',
  'webgpu-diffusion/pretrained': 'src/pretrained/index.ts',
  'webgpu-diffusion/onnx': 'src/onnx/index.ts',
  'webgpu-diffusion/quality': 'src/quality/index.ts',
  'webgpu-diffusion/node': 'src/node/index.ts',
  'webgpu-diffusion/three': 'src/three/index.ts',
  'webgpu-diffusion/worker': 'src/worker/index.ts',
};
