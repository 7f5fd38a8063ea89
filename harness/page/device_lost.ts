/** The page's message for a lost device. The library's own error addresses programs, which can create another engine. */
export function deviceLostMessage(reason: string): string {
  const why = reason ? ` (${reason.replace(/\.$/, '')})` : '';
  return `The GPU device was lost${why}. Drivers reset it when they crash, are updated, or run out of memory.`;
}
