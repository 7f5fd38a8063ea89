/** The shaders with the comments of their files, which the build removes. Loaded on demand. */
import { files, sources } from 'virtual:shader-sources';
import { shaderText } from '../../src/plan/text';

export const hasShader = (name: string) => Object.hasOwn(sources, name);

/** The text of a shader as a GPU gets it, imports and loops written out, with its comments, and the file that it is made of. */
export function commentedShader(name: string): { readonly file: string; readonly text: string } {
  const { file, flags } = sources[name];
  return { file: `shaders/${file}`, text: shaderText(file, (path) => files[path], flags) };
}
