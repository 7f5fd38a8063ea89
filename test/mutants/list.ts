/** All planted faults. */
import { data } from './data';
import { embedding } from './embedding';
import { engine } from './engine';
import { kernels } from './kernels';
import type { Mutant, Mutants } from './mutant';
import { network } from './network';
import { page } from './page';

export const groups: Readonly<Record<string, Mutants>> = {
  kernels,
  network,
  engine,
  data,
  embedding,
  page,
};

interface Planted {
  readonly group: string;
  /** Its place in the group, then the fault in words. */
  readonly name: string;
  readonly mutant: Mutant;
}

export const all: readonly Planted[] = Object.entries(groups).flatMap(([group, places]) =>
  Object.entries(places).flatMap(([place, mutants]) =>
    Object.entries(mutants).map(([fault, mutant]) => ({ group, name: `${place}: ${fault}`, mutant })),
  ),
);
