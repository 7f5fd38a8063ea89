/** Pictures of a user's own. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import type { Page } from 'puppeteer';
import { idxFile } from '../system';
import { workerOf } from './visit';

/** Writes twelve pictures in colour into two folders of `folder`; most of them are partly transparent. */
export function writePictures(
  folder: string,
  { width, height, tone = 31 }: { readonly width: number; readonly height: number; readonly tone?: number },
): void {
  for (let i = 0; i < 12; i++) {
    const of = join(folder, i % 2 ? 'poppy' : 'רקפת');
    mkdirSync(of, { recursive: true });
    const data = Uint8Array.from({ length: width * height * 4 }, (_, at) =>
      at % 4 === 3 ? (at * (i + 1)) % 256 : (at * tone + 17 * i * (at % 4)) % 256,
    );
    writeFileSync(join(of, `${i}.png`), PNG.sync.write({ width, height, data }));
  }
}

/** An IDX file of bytes from 0 to 127, as text. */
export function idx(sizes: readonly number[], valueAt: (i: number) => number): string {
  const length = sizes.reduce((product, size) => product * size);
  return String.fromCharCode(
    ...idxFile(
      sizes,
      Array.from({ length }, (_, i) => valueAt(i)),
    ),
  );
}

/** From now on the browser has no room for the page's runs, or none for their images alone. */
export async function leaveNoRoom(page: Page, onlyForImages = false): Promise<void> {
  const worker = await workerOf(page);
  await worker.evaluate((keepsRuns) => {
    const handles = FileSystemFileHandle.prototype as unknown as {
      createSyncAccessHandle(this: FileSystemFileHandle): Promise<unknown>;
    };
    const { createSyncAccessHandle } = handles;
    handles.createSyncAccessHandle = function () {
      if (keepsRuns && this.name.endsWith('.safetensors')) return createSyncAccessHandle.call(this);
      return Promise.reject(new DOMException('Full.', 'QuotaExceededError'));
    };
  }, onlyForImages);
}
