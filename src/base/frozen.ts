/** Freezes an object and all that it holds: what the library shares with each part of an app, none may change for the others. */
export function frozen<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object') frozen(part);
  return Object.freeze(value);
}
