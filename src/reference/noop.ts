/** A word that says that it ran. */
export const reference = () => ({ output: Uint32Array.of(1) });
