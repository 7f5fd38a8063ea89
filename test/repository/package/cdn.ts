/** examples/cdn as it stands, except for the address of the package, which a second server gives to a page of the first. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { digitsSeen } from '../../lib/seen';
import { resultOf, serve } from './serve';
import { install } from './shell';

const example = fileURLToPath(new URL('../../../examples/cdn/', import.meta.url));
/** The address of the package in the example. */
const ADDRESS = 'http://localhost:8001/';
const SIDE = 28;
const DIGITS = [2, 0, 2, 6];

interface Shown {
  readonly status: string;
  /** The canvas, whose greys are red. */
  readonly reds: readonly number[];
}

export const fromAnotherOrigin = {
  name: 'a page whose package comes from another origin',
  async run(folder: string, tarball: string): Promise<string> {
    await install(folder, tarball);
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
    const loss = (/^Trained for 20 steps in a worker, loss (0\.\d+)\. Done\.$/.exec(status) ?? [])[1];
    if (!(Number(loss) < 0.08)) throw new Error(`The page says: ${status}`);
    const seen = await digitsSeen(imagesOf(reds));
    if (`${seen}` !== `${DIGITS}`) throw new Error(`Asked for the digits ${DIGITS}, it drew ${seen}.`);
    return `the digits ${seen.join(' ')}; ${status}`;
  },
};

/** Ink where the canvas, with one digit beside the other, is dark. */
const imagesOf = (reds: readonly number[]) =>
  Float32Array.from({ length: DIGITS.length * SIDE ** 2 }, (_, i) => {
    const image = Math.floor(i / SIDE ** 2);
    const y = Math.floor(i / SIDE) % SIDE;
    const x = i % SIDE;
    return 1 - reds[(y * DIGITS.length + image) * SIDE + x] / 255;
  });

/** In the page: what it shows when it is done, or has failed. */
async function shown(): Promise<Shown> {
  const status = document.querySelector('#status')!;
  const isDone = () => /^(?!Starting|Training)/.test(status.textContent!);
  await new Promise<void>((resolve) => {
    const look = () => isDone() && resolve();
    new MutationObserver(look).observe(status, { childList: true, characterData: true, subtree: true });
    look();
  });
  const { width, height } = document.querySelector('canvas')!;
  const { data } = document.querySelector('canvas')!.getContext('2d')!.getImageData(0, 0, width, height);
  return { status: status.textContent!, reds: [...data.filter((_, i) => i % 4 === 0)] };
}
