/** Pictures of a user's own. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const { PNG } = createRequire(import.meta.url)('pngjs') as {
  PNG: { sync: { write(of: { width: number; height: number; data: Uint8Array }): Buffer } };
};

/** Writes twelve pictures in colour into two folders of `folder`; most of them are partly transparent. */
export function writePictures(
  folder: string,
  { width, height }: { readonly width: number; readonly height: number },
): void {
  for (let i = 0; i < 12; i++) {
    const of = join(folder, i % 2 ? 'poppy' : 'רקפת');
    mkdirSync(of, { recursive: true });
    const data = Uint8Array.from({ length: width * height * 4 }, (_, at) =>
      at % 4 === 3 ? (at * (i + 1)) % 256 : (at * 31 + 17 * i * (at % 4)) % 256,
    );
    writeFileSync(join(of, `${i}.png`), PNG.sync.write({ width, height, data }));
  }
}
