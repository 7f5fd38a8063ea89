/** The text of a shader, with its comments, and of its reference. Loaded when a row of the list is opened for the first time. */
import { commentedShader } from '../../run/commented_shader';
import { coloured } from './prism';

const references = import.meta.glob<string>('../../../src/reference/*.ts', {
  query: '?raw',
  import: 'default',
});

export interface SourceText {
  /** Its path in the repository. */
  readonly file: string;
  readonly code: Node;
}

export async function shaderSource(name: string): Promise<SourceText> {
  const { file, text } = commentedShader(name);
  return { file, code: (await coloured())(text, 'wgsl') };
}

/** The whole file of a kernel's reference. */
export async function referenceSource(kernel: string): Promise<SourceText> {
  const file = `src/reference/${kernel}.ts`;
  return { file, code: (await coloured())(await references[`../../../${file}`](), 'typescript') };
}
