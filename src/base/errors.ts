/** The kind of error, in one word that a program can branch on. */
export type ErrorCode =
  /** This runtime has no WebGPU at all. */
  | 'no-webgpu'
  /** WebGPU is there, but no adapter answered. */
  | 'no-adapter'
  /** The device has too little memory, or too low limits. */
  | 'limit'
  /** The device is lost, with everything on it. */
  | 'device-lost'
  /** A shader did not compile, or a pipeline or submission was refused. */
  | 'shader'
  /** A shader computes wrong results on this adapter. */
  | 'wrong-kernel'
  /** A value out of range, an unknown name, a wrong length. */
  | 'argument'
  /** A file or array with wrong contents, or a part of the library that did not load. */
  | 'data'
  /** A loss, weights or Adam's moments are no longer finite numbers. */
  | 'diverged'
  /** Used after destroy(). */
  | 'destroyed'
  /** The object is in the middle of another run. */
  | 'busy';

/** Longest message, in characters. Quoted values are clipped already, so this limits lists of compiler errors. */
const LONGEST = 4000;

/**
 * The only error class of this library. The message states the given value, the legal values and a remedy; `code` is for programs. Parts of
 * the message may come from a file, so the constructor makes it printable.
 */
export class EngineError extends Error {
  /** Identifies the error where `instanceof` cannot. */
  override readonly name = 'EngineError';
  /** The kind of error. */
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(printable(message, LONGEST), options);
    this.code = code;
  }
}

/** The error of a caller's mistake. */
export const argumentError = (message: string, options?: ErrorOptions) =>
  new EngineError('argument', message, options);

/** The error of a file, of an array's contents, or of a part that does not load. */
export const dataError = (message: string, options?: ErrorOptions) =>
  new EngineError('data', message, options);

/**
 * Makes text from a file safe to show: escapes control characters and characters that change the writing direction. Cuts the middle out of
 * text longer than `longest` characters.
 */
export function printable(text: string, longest = 200): string {
  const tail = longest >> 2;
  const short = text.length <= longest ? text : `${text.slice(0, longest - tail)}…${text.slice(-tail)}`;
  return short.replace(
    /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (mark) => `\\u{${mark.codePointAt(0)!.toString(16)}}`,
  );
}

/** Throws an `argument` error unless `value` is a whole number in [min, max]. */
export function checkInteger(name: string, value: number, min: number, max = 0x7fffffff): void {
  integerIn(value, name, wrongArgument, min, max);
}

/** Throws an `argument` error unless `seed` is a whole number of 32 bits. */
export const checkSeed = (seed: number): void => checkInteger('seed', seed, 0, 0xffffffff);

/** Throws an `argument` error unless `value` is a finite number in [min, max]. */
export function checkNumber(name: string, value: number, min: number, max: number): void {
  // The type check comes first, since a numeric string compares like its number.
  if (typeof value !== 'number' || !(value >= min && value <= max)) {
    throw wrongArgument(name, value, `a number from ${min} to ${max}`);
  }
}

/** Throws an `argument` error unless each of `given` is true, false or left out: the text 'false' would pass for true. */
export function checkBooleans(given: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || typeof value === 'boolean') continue;
    throw wrongArgument(name, value, 'true or false');
  }
}

/** Throws an `argument` error unless each of `given` is a function, or left out. */
export function checkFunctions(given: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || typeof value === 'function') continue;
    throw wrongType(name, value, 'a function');
  }
}

/** Throws an `argument` error unless `signal` is an AbortSignal, or left out. */
export function checkSignal(signal: unknown): void {
  if (signal === undefined || typeof (signal as AbortSignal | null)?.throwIfAborted === 'function') return;
  throw wrongType('signal', signal, 'an AbortSignal: new AbortController().signal');
}

/** Describes the first value that is not finite as the 32-bit float it becomes, or returns undefined. `mayBeNaN`: NaN is allowed, as it marks a missing value. */
export function nonFinite(values: ArrayLike<number>, mayBeNaN = false): string | undefined {
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    const stored = Math.fround(value);
    if (Number.isFinite(stored) || (mayBeNaN && Number.isNaN(stored))) continue;
    const rounded = Number.isFinite(value) ? `, and ${stored} as a 32-bit float` : '';
    return `is not finite: value ${i} of ${values.length} is ${value}${rounded}`;
  }
  return undefined;
}

/**
 * A value as shown in messages: strings in quotes, so that they do not look like the expected number, objects as JSON. Names and values
 * from a file may have any length; a message may not.
 */
export function show(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value !== 'string' && typeof value !== 'object') return clip(String(value));
  try {
    return clip(JSON.stringify(value));
  } catch {
    return typeName(value); // a circular object, for instance
  }
}

export function clip(text: string): string {
  return text.length <= 100 ? text : `${text.slice(0, 100)}…`;
}

/** The name of a value's type for messages: `Float64Array`, `String`, `Null`. */
export function typeName(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** The `argument` error if `given` is not an array of images. `or`: what else is legal. */
export const notImages = (name: string, given: unknown, or = ''): EngineError =>
  wrongType(name, given, `a Float32Array of [count][height][width][channels]${or}`);

/** Throws an `argument` error unless `given` is an object; `like`: what it must be, for instance. */
export function checkObject(name: string, given: unknown, like: string): void {
  if (typeof given === 'object' && given !== null) return;
  throw wrongType(name, given, `an object: ${like}`);
}

/** All option names of T; the type requires that none is missing. */
export type Names<T> = Readonly<Record<keyof T, true>>;

/** Throws an `argument` error if `given` has a name that is not in `legal`: otherwise a typing error would go unnoticed. */
export function checkNames(what: string, given: object, legal: Readonly<Record<string, true>>): void {
  if (typeof given !== 'object' || given === null) {
    throw argumentError(`${what} was given settings of type ${typeName(given)}; they must be an object.`);
  }
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(legal, name));
  if (unknown !== undefined) {
    const name = /^\w{1,40}$/.test(unknown) ? unknown : show(unknown);
    throw argumentError(`${what} has no setting ${name}; it has ${Object.keys(legal).join(', ')}.`);
  }
}

/** Makes the error for a value that is not legal. */
export type Wrong = (key: string, value: unknown, legal: string) => EngineError;

export const wrongArgument: Wrong = (key, value, legal) =>
  argumentError(`${key} is ${show(value)}; it must be ${legal}.`);

/** The same for a value of another type, which is not shown. */
export const wrongType: Wrong = (key, value, legal) =>
  argumentError(`${key} is of type ${typeName(value)}; it must be ${legal}.`);

/** `value`, if it is a whole number in [min, max]; else throws what `wrong` makes. */
export function integerIn(value: unknown, key: string, wrong: Wrong, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw wrong(key, value, `a whole number from ${min} to ${max}`);
  }
  return value;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** T as options: a field that is missing or undefined has its default. */
export type Optional<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** An object without its fields that are undefined, as JSON has it. */
export const defined = <T extends object>(fields: T): T =>
  Object.fromEntries(Object.entries(fields).filter(([_, value]) => value !== undefined)) as T;
