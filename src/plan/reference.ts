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

/** A reference that takes long at a real size: it yields where other tasks may have their turn. */
export type Steps<Shape, Outputs extends ReturnType<Reference<Shape>> = ReturnType<Reference<Shape>>> = (
  shape: Shape,
  inputs: Arrays,
) => Generator<void, Outputs, void>;

/** Makes all steps at once. */
export function finished<T>(steps: Generator<void, T, void>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** The reference that makes all steps at once. */
export const whole =
  <Shape, Outputs extends ReturnType<Reference<Shape>>>(steps: Steps<Shape, Outputs>) =>
  (shape: Shape, inputs: Arrays): Outputs =>
    finished(steps(shape, inputs));
