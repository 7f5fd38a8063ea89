/** The text of a shader, with its comments, and of its reference. Loaded when a row of the list is opened for the first time. */
import { files, sources } from 'virtual:shader-sources';
import { shaderText } from '../../../src/plan/text';
import { loadColours } from './prism';

const references = import.meta.glob<string>('../../../src/reference/*.ts', {
  query: '?raw',
  import: 'default',
});
const coloured = loadColours();

export interface SourceText {
  /** Where it stands in the repository. */
  readonly file: string;
  readonly code: Node;
}

export const hasSource = (name: string) => Object.hasOwn(sources, name);

/** As the GPU gets it, imports and loops written out, with the comments that it does not get. */
export async function shaderSource(name: string): Promise<SourceText> {
  const { file, flags } = sources[name];
  const text = shaderText(file, (path) => files[path], flags);
  return { file: `shaders/${file}`, code: (await coloured)(text, 'wgsl') };
}

/** The whole file of a kernel's reference. */
export async function referenceSource(kernel: string): Promise<SourceText> {
  const file = `src/reference/${kernel}.ts`;
  return { file, code: (await coloured)(await references[`../../../${file}`](), 'typescript') };
}
