/**
 * Gives shaders other texts, for all that is compiled in this worker from then on. A Shader is a plain object that launchers read when they
 * plan a dispatch; with its hash, pipelines, self-check and tuner know it as another one. The engine needs no option for this.
 */
import { shaders } from 'virtual:shaders';
import type { Shader } from '../../../src/plan/shader';

/** A shader as an edited text declares it. */
export interface Replacement extends Omit<Shader, 'code'> {
  readonly text: string;
}

/** The shaders that are replaced, as they were shipped. */
const shipped = new Map<string, Shader>();

/** Replaces these, and puts back all others. */
export function replaceShaders(replacements: readonly Replacement[]): void {
  for (const [name, shader] of shipped) Object.assign(shaders[name], shader);
  shipped.clear();
  for (const { text, columns, ...declared } of replacements) {
    const shader = shaders[declared.name];
    shipped.set(declared.name, { columns: undefined, ...shader });
    Object.assign(shader, { ...declared, columns, code: async () => text });
  }
}
