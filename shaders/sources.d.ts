declare module 'virtual:shader-sources' {
  /** The WGSL files as they stand in shaders/, comments included, by path. */
  export const files: Readonly<Record<string, string>>;
  /** The file that each shader is made of, and the flags, by the shader's name. */
  export const sources: Readonly<
    Record<string, { readonly file: string; readonly flags: import('../src/plan/text').Flags }>
  >;
}
