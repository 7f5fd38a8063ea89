/** Formats numbers and lines for people. Shared by the page and the command line. */

/** 9.3 s, 12 s, 3 min 20 s, 39 min, 2 h 5 min; – for what is not finite */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  const minutes = Math.round(s / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** 1234567.8 -> 1,234,568 */
export const whole = (n: number): string => Math.round(n).toLocaleString('en-US');

/** 1 epoch, 1,200 epochs */
export const plural = (n: number, what: string): string => `${whole(n)} ${what}${n === 1 ? '' : 's'}`;

/** 12 MB, 1.2 MB, 27 kB: decimal units. */
export function megabytes(bytes: number): string {
  if (bytes < 99_500) return `${Math.ceil(bytes / 1000)} kB`;
  return `${(bytes / 1e6).toFixed(bytes < 9.95e6 ? 1 : 0)} MB`;
}

/** Lines of at most `width` characters, unless a word is longer; all but the first begin with `indent`. */
export function wrap(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.length - 1;
    if (last >= 0 && lines[last].length + 1 + word.length <= width) lines[last] += ` ${word}`;
    else lines.push(last >= 0 ? indent + word : word);
  }
  return lines;
}
