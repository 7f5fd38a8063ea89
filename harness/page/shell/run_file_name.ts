/** The names of the files that are saved of a run. Pure. */
import type { Settings } from './settings';

/** `digits-checkpoint-step-200-seed-123.safetensors`. */
export const runFileName = (
  { recipe, seed }: Pick<Settings, 'recipe' | 'seed'>,
  what: string,
  ending: string,
): string => `${recipe}-${what}-seed-${seed}.${ending}`;
