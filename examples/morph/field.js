// Noise between four noises, and work that never falls behind.

/** Gaussian numbers (Box and Muller). */
export function gaussian(size) {
  return Float32Array.from({ length: size }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - Math.random()));
    return radius * Math.cos(2 * Math.PI * Math.random());
  });
}

/**
 * The noise at a place between four noises in the corners: top left, top right, bottom left, bottom right. `across` and `down` are from 0 to
 * 1. It interpolates along great circles: the squares of the weights add up to 1, so the mix is Gaussian noise of the same strength.
 */
export function between([a, b, c, d], across, down) {
  const x = (across * Math.PI) / 2;
  const y = (down * Math.PI) / 2;
  return a.map(
    (value, i) =>
      Math.cos(y) * (Math.cos(x) * value + Math.sin(x) * b[i]) +
      Math.sin(y) * (Math.cos(x) * c[i] + Math.sin(x) * d[i]),
  );
}

/** Returns a function that calls `work` with its argument: one call at a time, and of the arguments meanwhile only the newest. */
export function newest(work) {
  let busy = false;
  let next;
  return async function give(what) {
    next = what;
    if (busy) return;
    busy = true;
    try {
      while (next !== undefined) {
        const now = next;
        next = undefined;
        await work(now);
      }
    } finally {
      busy = false;
    }
  };
}
