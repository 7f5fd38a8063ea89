/** See shaders/plugin.ts. */
declare module '*?bytes' {
  /** The file, or where it is. */
  const load: () => Promise<URL | Uint8Array<ArrayBuffer>>;
  export default load;
}
