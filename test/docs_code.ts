/** The programs in the pages of docs/. */
import { readFileSync } from 'node:fs';

/** The texts between ```language and ```, in order. */
export function codeOf(page: string, language: string): string[] {
  const text = readFileSync(new URL(`../docs/${page}`, import.meta.url), 'utf8');
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, 'gm'))].map(([, code]) => code);
}
