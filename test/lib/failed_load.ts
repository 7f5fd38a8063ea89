/** Parts of the library that do not load, in a test with `vi.mock(import('…/src/base/load'), failedLoads)`. */

/** How many parts were asked for, and which of them does not load, from 0; that happens once. */
export const loads = { count: 0, failing: -1 };

/** Lets the next part but `later` fail to load. */
export function failLoad(later = 0): void {
  Object.assign(loads, { count: 0, failing: later });
}

/** What stands in place of `base/load`. */
export async function failedLoads(original: () => Promise<typeof import('../../src/base/load')>) {
  const load = await original();
  const loaded: typeof load.loaded = (part) => {
    if (loads.count++ !== loads.failing) return load.loaded(part);
    loads.failing = -1;
    return load.loaded(Promise.reject(new TypeError('a planned failure')));
  };
  return { ...load, loaded };
}
