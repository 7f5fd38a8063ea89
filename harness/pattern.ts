/** Which kernels a person asked for: `conv2d`, `conv2d.winograd`, `grad*down.1`. */

/** Matches anywhere in `kernel.variant layer`, whatever the case; `*` stands for anything. No pattern matches all. */
export function matcher(pattern?: string): (name: string) => boolean {
  if (pattern === undefined) return () => true;
  const literal = (text: string) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  const expression = new RegExp(pattern.trim().split('*').map(literal).join('.*'), 'i');
  return (name) => expression.test(name);
}
