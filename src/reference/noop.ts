/** A word that shows that the shader ran. */
export const reference = () => ({ output: Uint32Array.of(1) });
