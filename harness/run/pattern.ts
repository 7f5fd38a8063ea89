/** Which kernels a person asked for: `conv2d`, `conv2d.winograd`, `grad*down.1`, `max_pool,adam`. */
import { EngineError } from '../../src/errors';

/**
 * Matches anywhere in `kernel.variant layer`, whatever the case; `*` stands for anything, a comma for or. No pattern matches
 * all.
 */
export function matcher(pattern?: string): (name: string) => boolean {
  if (pattern === undefined) return () => true;
  const literal = (text: string) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  const alternatives = pattern.split(',').map((part) => part.trim().split('*').map(literal).join('.*'));
  const expression = new RegExp(alternatives.filter(Boolean).join('|') || '$^', 'i');
  return (name) => expression.test(name);
}

/** To be thrown before anything is measured; `names` are what could have been asked for. */
export function matchesNothing(pattern: string, names: Iterable<string>): EngineError {
  return new EngineError('argument', `No kernel matches ${pattern}; there are ${[...names].join(', ')}.`);
}
