/** Telling pictures from arrays, without what reads them. */
import type { Picture } from './picture';

/** Whether `given` is a picture, or a list that begins like one. A list of numbers is none; the caller says what it must be. */
export function isPictures(given: unknown): given is Picture | readonly Picture[] {
  const first = Array.isArray(given) && given.length > 0 ? given[0] : given;
  return typeof first === 'object' && first !== null && !ArrayBuffer.isView(first);
}
