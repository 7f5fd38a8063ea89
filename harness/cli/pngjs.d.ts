/** The part of pngjs that png.ts uses; the package has no types of its own. */
declare module 'pngjs' {
  interface Image {
    readonly width: number;
    readonly height: number;
    readonly data: Uint8Array;
  }
  interface WriteOptions {
    /** As in a header: 0 for grey, 2 for RGB. */
    readonly colorType: number;
    readonly inputColorType: number;
    /** The filter's number, for all lines. */
    readonly filterType: number;
    /** As in zlib. */
    readonly deflateStrategy: number;
  }
  export const PNG: {
    readonly sync: { read(file: Buffer): Image; write(image: Image, options?: WriteOptions): Buffer };
  };
}
