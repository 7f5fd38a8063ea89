/** Selects kernels by a pattern: `conv2d`, `conv2d.winograd`, `grad*down.1`, `max_pool,adam`. */
import { EngineError } from '../../src/base/errors';

/**
 * Matches anywhere in `kernel.variant layer`, ignoring case; `*` stands for any text, a comma for "or". Without a pattern everything
 * matches.
 */
export function matcher(pattern?: string): (name: string) => boolean {
  if (pattern === undefined) return () => true;
  const literal = (text: string) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  const alternatives = pattern.split(',').map((part) => part.trim().split('*').map(literal).join('.*'));
  const expression = new RegExp(alternatives.filter(Boolean).join('|') || '$^', 'i');
  return (name) => expression.test(name);
}

/** The error to throw before anything is measured; `names` are the names that exist. */
export function matchesNothing(pattern: string, names: Iterable<string>): EngineError {
  return new EngineError('argument', `No kernel matches ${pattern}; there are ${[...names].join(', ')}.`);
}
