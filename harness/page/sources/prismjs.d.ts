declare module 'prismjs/components/prism-core.js' {
  export type Token = string | { readonly type: string; readonly content: Token | readonly Token[] };
  const Prism: {
    readonly languages: Readonly<Record<'wgsl' | 'typescript', object>>;
    tokenize(text: string, grammar: object): readonly Token[];
  };
  export default Prism;
}
/** Each adds itself to a global `Prism`. */
declare module 'prismjs/components/prism-clike.js';
declare module 'prismjs/components/prism-javascript.js';
declare module 'prismjs/components/prism-typescript.js';
declare module 'prismjs/components/prism-wgsl.js';
