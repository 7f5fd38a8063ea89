/** See shaders/plugin.ts. */
declare module '*?bytes' {
  /** Resolves to the file's bytes, or to its URL. */
  const load: () => Promise<URL | Uint8Array<ArrayBuffer>>;
  export default load;
}
