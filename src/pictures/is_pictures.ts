/** Distinguishes pictures from arrays, without the code that reads them. */
import type { Picture } from './picture';

/** Whether `given` is an object other than a typed array, or a list that begins with one; its pictures are checked later. */
export function isPictures(given: unknown): given is Picture | readonly Picture[] {
  const first = Array.isArray(given) && given.length > 0 ? given[0] : given;
  return typeof first === 'object' && first !== null && !ArrayBuffer.isView(first);
}
