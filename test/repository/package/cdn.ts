/** examples/cdn as it stands, except for the address of the package, which a second server gives to a page of the first. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { version as webgpu } from 'webgpu/package.json';
import { gridOfBytes } from '../../../harness/pictures/pictures';
import { decodePng } from '../../../harness/pictures/png';
import { resultOf, serve } from './serve';
import { install, shell } from './shell';

const example = fileURLToPath(new URL('../../../examples/cdn/', import.meta.url));
/** The address of the package in the example. */
const ADDRESS = 'http://localhost:8001/';
const SIDE = 28;
/** Two adapters round differently: of 255. */
const TOLERANCE = 1;

interface Shown {
  readonly status: string;
  /** The canvas, whose greys are red. */
  readonly reds: readonly number[];
}

export const fromAnotherOrigin = {
  name: 'a page whose package comes from another origin',
  async run(folder: string, tarball: string): Promise<string> {
    await install(folder, tarball, `webgpu@${webgpu}`);
    const page = join(folder, 'page');
    await mkdir(page);
    using cdn = await serve(join(folder, 'node_modules/webgpu-diffusion/dist/lib'), { cors: true });
    using own = await serve(page);
    for (const file of await readdir(example)) {
      const text = await readFile(join(example, file), 'utf8');
      if (!text.includes(ADDRESS)) throw new Error(`examples/cdn/${file} does not mention ${ADDRESS}.`);
      await writeFile(join(page, file), text.replaceAll(ADDRESS, cdn.address));
    }
    const { status, reds } = await resultOf<Shown>(own.address, shown);
    if (own.missing.length + cdn.missing.length > 0)
      throw new Error(`Not there: ${[...own.missing, ...cdn.missing].join(' ')}.`);
    const [, loss] = /^Trained for 20 steps in a worker, loss (0\.\d+)\. Done\.$/.exec(status) ?? [];
    if (!(Number(loss) < 0.08)) throw new Error(`The page says: ${status}`);
    const off = await difference(reds, folder);
    if (off > TOLERANCE) throw new Error(`The digits differ from Node's by ${off} of 255.`);
    return `digits as in Node, off by ${off} of 255; ${status}`;
  },
};

/** In the page: what it shows when it is done, or has failed. */
async function shown(): Promise<Shown> {
  const status = document.querySelector('#status')!;
  while (!/^(?!Starting|Training)/.test(status.textContent!))
    await new Promise((resolve) => setTimeout(resolve, 100));
  const { width, height } = document.querySelector('canvas')!;
  const { data } = document.querySelector('canvas')!.getContext('2d')!.getImageData(0, 0, width, height);
  return { status: status.textContent!, reds: [...data.filter((_, i) => i % 4 === 0)] };
}

/** The largest difference between the page's digits, one beside the other, and the ones that the package's command line makes from the same seed. */
async function difference(reds: readonly number[], folder: string): Promise<number> {
  const command = join(folder, 'node_modules/.bin/webgpu-diffusion');
  await shell(folder, command, 'sample', '--digits', '2026', '--seed', '123', '--out', 'digits.png');
  const { data } = await decodePng(await readFile(join(folder, 'digits.png')));
  const images = Uint8Array.from({ length: 4 * SIDE * SIDE }, (_, i) => {
    const [image, y, x] = [Math.floor(i / SIDE ** 2), Math.floor(i / SIDE) % SIDE, i % SIDE];
    return 255 - reds[(y * 4 + image) * SIDE + x];
  });
  const drawn = gridOfBytes(images, { columns: 4, height: SIDE, width: SIDE, channels: 1 });
  if (drawn.data.length * 4 !== data.length) return Number.POSITIVE_INFINITY;
  return drawn.data.reduce((most, grey, i) => Math.max(most, Math.abs(grey - data[4 * i])), 0);
}
