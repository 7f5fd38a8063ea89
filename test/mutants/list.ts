/** All planted faults. */
import { data } from './data';
import { embedding } from './embedding';
import { engine } from './engine';
import { kernels } from './kernels';
import type { Mutant, Mutants } from './mutant';
import { network } from './network';
import { page } from './page';

const groups: Mutants = { ...kernels, ...network, ...engine, ...data, ...embedding, ...page };

/** `group: fault`. */
export const all: readonly (readonly [name: string, mutant: Mutant])[] = Object.entries(groups).flatMap(
  ([group, mutants]) =>
    Object.entries(mutants).map(([fault, mutant]) => [`${group}: ${fault}`, mutant] as const),
);
