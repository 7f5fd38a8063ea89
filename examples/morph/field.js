// Noise between four noises, and work that never falls behind.

/** Gaussian numbers (Box and Muller). */
export function gaussian(size) {
  return Float32Array.from({ length: size }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - Math.random()));
    return radius * Math.cos(2 * Math.PI * Math.random());
  });
}

/**
 * The noise at a place between four noises, which are in the corners: above on the left and on the right, then below. `across` and `down`
 * are from 0 to 1. It goes along great circles: the squares of the shares add up to 1, so the mix is Gaussian noise as strong as the four.
 */
export function between([a, b, c, d], across, down) {
  const [x, y] = [(across * Math.PI) / 2, (down * Math.PI) / 2];
  return a.map(
    (value, i) =>
      Math.cos(y) * (Math.cos(x) * value + Math.sin(x) * b[i]) +
      Math.sin(y) * (Math.cos(x) * c[i] + Math.sin(x) * d[i]),
  );
}

/** Returns a function that has `work` done with what it is given: one at a time, and of what comes meanwhile only the newest. */
export function newest(work) {
  let busy = false;
  let next;
  return async function give(what) {
    next = what;
    if (busy) return;
    busy = true;
    while (next !== undefined) {
      const now = next;
      next = undefined;
      await work(now);
    }
    busy = false;
  };
}
