// Reads a folder of PNG files as pictures for the engine, and writes the engine's images as a PNG file, with the npm package pngjs.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PNG } from 'pngjs';

/** The pictures { data, width, height } of all PNG files of a folder, in the order of their names. */
export async function readFolder(folder) {
  const names = (await readdir(folder)).filter((name) => /\.png$/i.test(name)).sort();
  if (names.length === 0) throw new Error(`There are no PNG files in ${folder}.`);
  return Promise.all(names.map(async (name) => PNG.sync.read(await readFile(join(folder, name)))));
}

/** Writes images side by side, [count][height][width][channels] with values from 0 to 1 and 1 or 3 channels. */
export async function writePng(file, images, { height, width, channels }) {
  const count = images.length / (height * width * channels);
  const png = new PNG({ width: count * width, height });
  for (let i = 0; i < count * height * width; i++) {
    const [x, y, n] = [i % width, Math.floor(i / width) % height, Math.floor(i / width / height)];
    const rgb = [0, 1, 2].map((c) => 255 * images[i * channels + (channels === 1 ? 0 : c)]);
    png.data.set([...rgb.map(Math.round), 255], 4 * ((y * count + n) * width + x));
  }
  await writeFile(file, PNG.sync.write(png));
}
