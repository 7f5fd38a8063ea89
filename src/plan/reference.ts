/** The type of a kernel's reference (src/reference). */

/** Elements of a tensor in its own memory order. */
export type Values = Float32Array | Float64Array | Uint32Array;
/** Tensors by name. */
export type Arrays = Readonly<Record<string, Values>>;

/**
 * A kernel's reference, in plain loops. Takes a shape and the tensors that the kernel reads; returns the tensors that it writes, f64 for
 * floats and u32 for integers.
 */
export type Reference<Shape> = (
  shape: Shape,
  inputs: Arrays,
) => Readonly<Record<string, Float64Array | Uint32Array>>;
