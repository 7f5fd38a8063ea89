/** What the page says of a lost device. The library's own error speaks to programs, which can make another engine. */
export function deviceLostMessage(reason: string): string {
  const why = reason ? ` (${reason.replace(/\.$/, '')})` : '';
  return `The GPU device was lost${why}. Drivers reset it when they crash, are updated, or run out of memory.`;
}
