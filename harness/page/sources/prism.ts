/** Text in colours: Prism finds the words, and their classes become colours in inside.css. */

import Prism, { type Token } from 'prismjs/components/prism-core.js';
import { once } from '../../../src/base/load';
import { make } from '../shell/dom';

type Language = 'wgsl' | 'typescript';

/** Resolves to what makes nodes of a text. */
export const coloured = once(async () => {
  // The languages look for a global of this name, and build upon each other.
  Object.assign(globalThis, { Prism });
  await import('prismjs/components/prism-clike.js');
  await import('prismjs/components/prism-javascript.js');
  await import('prismjs/components/prism-typescript.js');
  await import('prismjs/components/prism-wgsl.js');
  return (text: string, language: Language): Node => {
    const fragment = document.createDocumentFragment();
    fragment.append(...nodes(Prism.tokenize(text, Prism.languages[language])));
    return fragment;
  };
});

/** Prism's own way to show tokens is markup in a text, which the page's policy forbids. */
function nodes(tokens: Token | readonly Token[]): (Node | string)[] {
  const list = (Array.isArray(tokens) ? tokens : [tokens]) as readonly Token[];
  return list.map((token) => {
    if (typeof token === 'string') return token;
    // Names of its own: the page has a class `number`, too.
    return make('span', { className: `token token-${token.type}` }, ...nodes(token.content));
  });
}
