/**
 * Makes the site of the documentation, in dist/docs: the pages of docs/, and every exported name of the package from its comments.
 *
 *   npm run docs
 *
 * Fails over any warning: a name or member without a comment, a link that leads nowhere, a type that is mentioned but not exported.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Application, ReflectionKind } from 'typedoc';
import ts from 'typescript';

const root = fileURLToPath(new URL('../..', import.meta.url));
const at = (path) => join(root, path);

/** The pages in the order of the menu: what a newcomer needs, then what an expert does. */
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
];

const app = await Application.bootstrap({
  name: 'webgpu-diffusion',
  entryPoints: ['index', 'data/digits', 'node/index', 'onnx/index', 'pretrained/index', 'quality/index'].map(
    (entry) => at(`src/${entry}.ts`),
  ),
  tsconfig: at('tsconfig.json'),
  projectDocuments: PAGES.map((page) => at(`docs/${page}.md`)),
  readme: at('README.md'),
  out: at('dist/docs'),
  excludePrivate: true,
  excludeInternal: true,
  disableSources: true,
  treatWarningsAsErrors: true,
  treatValidationWarningsAsErrors: true,
  validation: { notExported: true, invalidLink: true, invalidPath: true, notDocumented: true },
});
const project = await app.convert();
if (!project) process.exit(1);
app.validate(project);
await app.generateOutputs(project);
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exitCode = 1;
