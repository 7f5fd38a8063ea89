/** What went wrong, in one word that a program can branch on. */
export type ErrorCode =
  | 'no-webgpu' // this runtime has no WebGPU at all
  | 'no-adapter' // WebGPU is there, but no adapter answered
  | 'limit' // the device's limits or memory do not suffice
  | 'device-lost'
  | 'shader' // a shader did not compile, or a pipeline or submission was refused
  | 'wrong-kernel' // a shader does not compute on this adapter what it must
  | 'argument' // a value out of range, an unknown name, a wrong length
  | 'data' // a file or array that is not what it should be
  | 'diverged' // a loss, weights or Adam's moments are no longer finite numbers
  | 'destroyed' // used after destroy()
  | 'busy'; // the object is in the middle of another run

/** The most letters of a message: what it quotes is clipped already, so this is for lists of a compiler's complaints. */
const LONGEST = 4000;

/**
 * The one error of this library. Its message says what was given, what is legal and what to do; `code` is for programs. Parts of it may
 * come from a file, so it is made printable.
 */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(printable(message, LONGEST), options);
    this.code = code;
  }
}

/**
 * A text from a file as it may be shown: what a terminal would obey, and what turns the direction of writing, as escapes. Of more than
 * `longest` letters the middle is left out.
 */
export function printable(text: string, longest = 200): string {
  const tail = longest >> 2;
  const short = text.length <= longest ? text : `${text.slice(0, longest - tail)}…${text.slice(-tail)}`;
  return short.replace(
    /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (mark) => `\\u{${mark.codePointAt(0)!.toString(16)}}`,
  );
}

/** Awaits `work`. If it fails because its owner was destroyed, which `check` knows, throws that error instead. */
export async function unlessDestroyed<T>(check: () => void, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    check();
    throw error;
  }
}

/** Throws an `argument` error unless `value` is a whole number in [min, max]. */
export function checkInteger(name: string, value: number, min: number, max = 0x7fffffff): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new EngineError(
      'argument',
      `${name} is ${show(value)}; it must be a whole number from ${min} to ${max}.`,
    );
  }
}

/** Throws an `argument` error unless `value` is a finite number in [min, max]. */
export function checkNumber(name: string, value: number, min: number, max: number): void {
  // A string compares as the number that it shows.
  if (typeof value !== 'number' || !(value >= min && value <= max)) {
    throw new EngineError(
      'argument',
      `${name} is ${show(value)}; it must be a number from ${min} to ${max}.`,
    );
  }
}

/** Where `values` are not finite first, in words, or undefined. `mayBeNaN`: where NaN says that there is none. */
export function nonFinite(values: ArrayLike<number>, mayBeNaN = false): string | undefined {
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (Number.isFinite(value) || (mayBeNaN && Number.isNaN(value))) continue;
    return `is not finite: value ${i} of ${values.length} is ${value}`;
  }
  return undefined;
}

/**
 * A value in a message: a string in quotes, so that it does not look like the number that is asked for, an object as JSON. Names and
 * values from a file may be of any length; a message may not.
 */
export function show(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value !== 'string' && typeof value !== 'object') return clip(String(value));
  try {
    return clip(JSON.stringify(value));
  } catch {
    return typeOf(value); // it holds itself, say
  }
}

export function clip(text: string): string {
  return text.length <= 100 ? text : `${text.slice(0, 100)}…`;
}

/** The name of a value's type in a message: `Float64Array`, `String`, `Null`. */
export function typeOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** The `argument` error for `given` in place of a caller's images. `or`: what else is legal. */
export function notImages(name: string, given: unknown, or = ''): EngineError {
  return new EngineError(
    'argument',
    `${name} is of type ${typeOf(given)}; it must be a Float32Array of [count][height][width][channels]${or}.`,
  );
}

/** Throws an `argument` error unless a caller's `buffer` has at least `bytes`, and the usages. */
export function checkBuffer(
  name: string,
  buffer: GPUBuffer,
  bytes: number,
  ...usages: readonly ('COPY_SRC' | 'COPY_DST')[]
): void {
  if (buffer?.usage === undefined) {
    throw new EngineError(
      'argument',
      `${name} is of type ${typeOf(buffer)}; it must be a GPUBuffer of ${bytes} bytes and ${usages.join(' | ')}.`,
    );
  }
  const { size, usage } = buffer;
  if (size >= bytes && usages.every((u) => usage & GPUBufferUsage[u])) return;
  throw new EngineError(
    'argument',
    `${name} has ${size} bytes and usage ${usage}; it needs ${bytes} bytes and ${usages.join(' | ')}.`,
  );
}

/** The names of all options of T, none left out. */
export type Names<T> = Readonly<Record<keyof T, true>>;

/** Throws an `argument` error if `given` has a setting that is not in `legal`: a typing error would go unnoticed otherwise. */
export function checkNames(what: string, given: object, legal: Readonly<Record<string, true>>): void {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(legal, name));
  if (unknown !== undefined) {
    const name = /^\w{1,40}$/.test(unknown) ? unknown : show(unknown);
    throw new EngineError(
      'argument',
      `${what} has no setting ${name}; it has ${Object.keys(legal).join(', ')}.`,
    );
  }
}
