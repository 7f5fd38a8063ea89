/**
 * Draws the icons that the pretrained networks `pictures` and `enlarger` have seen: `node harness/studies/icons/draw.mjs FOLDER [SIDE]` writes
 * icons-images-idx4-ubyte, DRAWINGS pictures of each icon, SIDE x SIDE pixels (24) in colour, in random order. The packages are installed
 * beside it: `npm install` in this folder.
 *
 * A drawing has a white paper or one of a random colour, is flipped in half of the cases, and has its channels in another order in half of the
 * cases. No smileys, faces of animals, flags and skin tones, and no marks of companies. The output is a function of packages and SEED.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Resvg } from '@resvg/resvg-js';

const [folder, side = '24'] = process.argv.slice(2);
if (!folder) throw new Error('Which folder? node harness/studies/icons/draw.mjs FOLDER [SIDE]');
const SIDE = Number(side);
/** A pixel is the mean of this many samples in each direction. */
const SAMPLES = 4;
const DRAWINGS = 10;
const SEED = 1;
const packages = join(fileURLToPath(new URL('.', import.meta.url)), 'node_modules/@iconify-json');

const FACE =
  /face|monkey$|grinning|clown|alien|ghost|goblin|ogre|robot|skull|poo$|star-struck|-cat$|^cat-with|^(bear|polar-bear|panda|fox|koala|lion|wolf|raccoon|frog|hamster|unicorn|moose|boar)$/;
const MARKS = /android|apple|bbc|google|linux|debian|vlc|disqus|dvd/;
const isOther = (name) => !FACE.test(name) && !MARKS.test(name);

/** The names of each set's icons. */
const SETS = {
  // Its categories have each icon in one skin tone, yellow.
  'fluent-emoji-flat': (_, { categories: { Flags, 'Smileys & Emotion': smileys, ...others } }) =>
    Object.values(others)
      .flat()
      .filter((name) => isOther(name) && !/-(light|medium|dark)(-|$)/.test(name)),
  fxemoji: (_, { categories: { Objects: objects, Places: places } }) =>
    [...objects, ...places].filter(isOther),
  'flat-color-icons': (names) => names.filter(isOther),
  // Each icon comes in several sizes.
  'fluent-color': (names) => names.filter((name) => name.endsWith('-24') && !name.includes('flag')),
};

/** Uniform numbers from 0 to 1 (mulberry32). */
let state = SEED;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

/** The icon in the middle of a square: [SIDE][SIDE][4], colours multiplied by alpha, from 0 to 255. */
function render({ icons, width, height }, name) {
  const icon = icons[name];
  const w = icon.width ?? width;
  const h = icon.height ?? height;
  const box = `${icon.left ?? 0} ${icon.top ?? 0} ${w} ${h}`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="${box}" width="${w}" height="${h}">${icon.body}</svg>`;
  const mode = w >= h ? 'width' : 'height';
  const large = new Resvg(svg, { fitTo: { mode, value: SIDE * SAMPLES } }).render();
  const [left, top] = [large.width, large.height].map((size) => Math.floor((SIDE * SAMPLES - size) / 2));
  const pixels = new Float64Array(SIDE * SIDE * 4);
  large.pixels.forEach((value, i) => {
    const x = Math.floor(((Math.floor(i / 4) % large.width) + left) / SAMPLES);
    const y = Math.floor((Math.floor(i / 4 / large.width) + top) / SAMPLES);
    pixels[(y * SIDE + x) * 4 + (i % 4)] += value / SAMPLES ** 2;
  });
  return pixels;
}

/** One picture of an icon, [SIDE][SIDE][3]. */
function draw(icon) {
  const paper = random() < 0.5 ? [255, 255, 255] : [0, 1, 2].map(() => 255 * random());
  const flipped = random() < 0.5;
  const order = [0, 1, 2];
  if (random() < 0.5) order.sort(() => random() - 0.5);
  const picture = new Uint8Array(SIDE * SIDE * 3);
  for (let i = 0; i < SIDE * SIDE; i++) {
    const x = i % SIDE;
    const from = 4 * (flipped ? i - x + (SIDE - 1 - x) : i);
    const clear = 1 - icon[from + 3] / 255;
    for (const [to, c] of order.entries())
      picture[3 * i + to] = Math.round(Math.min(255, icon[from + c] + clear * paper[c]));
  }
  return picture;
}

const pictures = [];
for (const [set, choose] of Object.entries(SETS)) {
  const read = (file) => JSON.parse(readFileSync(join(packages, set, file), 'utf8'));
  const icons = read('icons.json');
  const names = [...new Set(choose(Object.keys(icons.icons), read('metadata.json')))].filter(
    (name) => icons.icons[name],
  );
  for (const name of names) {
    const icon = render(icons, name);
    for (let i = 0; i < DRAWINGS; i++) pictures.push(draw(icon));
  }
  console.log(`${set} ${read('package.json').version}: ${names.length} icons`);
}
for (let i = pictures.length - 1; i > 0; i--) {
  const j = Math.floor(random() * (i + 1));
  [pictures[i], pictures[j]] = [pictures[j], pictures[i]];
}
const header = Buffer.alloc(20);
header.writeUInt32BE(0x804);
for (const [i, size] of [pictures.length, SIDE, SIDE, 3].entries()) header.writeUInt32BE(size, 4 * (i + 1));
const file = Buffer.concat([header, ...pictures]);
const path = join(folder, 'icons-images-idx4-ubyte');
writeFileSync(path, file);
console.log(
  `${path}: ${pictures.length} pictures, SHA-256 ${createHash('sha256').update(file).digest('hex')}`,
);
