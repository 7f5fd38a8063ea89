/**
 * The user's own pictures: a run on them comes back.
 *
 * @module-tag nightly
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'puppeteer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { drive } from '../../lib/page/drive';
import { leaveNoRoom, writePictures } from '../../lib/page/own_pictures';
import {
  click,
  dropFolder,
  fromState,
  losses,
  mentions,
  offered,
  phase,
  reads,
  searchOf,
  text,
  trainToEnd,
  type,
  until,
  upload,
  type Visited,
} from '../../lib/page/visit';
import { until as untilHere } from '../../lib/until';

const driven = drive();
/** The pictures are of 30 x 40 pixels. The folders have one name, so that a run cannot tell them apart by that. */
const place = mkdtempSync(join(tmpdir(), 'own-pictures-'));
const folder = join(place, 'chosen', 'pictures');
const others = join(place, 'others', 'pictures');
beforeAll(() => {
  const size = { width: 30, height: 40 };
  writePictures(folder, size);
  writePictures(others, { ...size, tone: 33 });
});
afterAll(() => rmSync(place, { recursive: true }));

/** The size and fit are not the usual ones; 3 steps an epoch. */
const PICTURES = 'size=16&fit=fit';
const RUN = `?recipe=pictures&batch=4&widths=8&samples=0&lr=0.01&epochs=7&${PICTURES}`;

/** Opens the page, and trains a run of 21 steps on the pictures, which is kept. `before`: what is done to the page before. */
async function trained(before = async (_: Page) => {}): Promise<Visited> {
  const visited = await driven.visit(`${driven.address}${RUN}`);
  const { page } = visited;
  await phase(page, 'idle');
  await before(page);
  await upload(page, 'folder', folder);
  await until(page, () => window.harness.state.data?.channels === 3);
  await phase(page, 'idle');
  await trainToEnd(page);
  await until(page, () => window.harness.state.stored === 21);
  return visited;
}

/** Opens the page at its plain address, and goes on with the kept run. */
async function goOn(page: Page): Promise<void> {
  await page.goto(driven.address);
  await offered(page, 'Go on with ');
  await click(page, '#runs-body .kept button');
}

/** The files of the private file system's folder of images, and their sizes. */
const keptImages = (page: Page) =>
  page.evaluate(async () => {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle('webgpu-diffusion-images', { create: true });
    const sizes: number[] = [];
    for await (const handle of folder.values()) {
      // It may have been deleted since it was listed.
      const file = await (handle as FileSystemFileHandle).getFile().catch(() => undefined);
      if (file) sizes.push(file.size);
    }
    return sizes;
  });

const keptSets = (page: Page, count: number) =>
  untilHere(async () => (await keptImages(page)).length === count);

test('a kept run goes on without the files; where its images are damaged, the page asks for the files again', async () => {
  const { page } = await trained();
  const before = await losses(page);
  await keptSets(page, 1);
  expect((await keptImages(page))[0]).toBeGreaterThan(12 * 16 * 16 * 3);
  await goOn(page);
  await phase(page, 'finished');
  expect(await losses(page)).toEqual(before);
  expect(await fromState(page, 'data')).toMatchObject({
    count: 12,
    height: 16,
    width: 16,
    channels: 3,
    classNames: ['poppy', 'רקפת'],
  });
  expect(await searchOf(page)).toContain(PICTURES);

  await page.goto('about:blank');
  await page.goto(driven.address);
  await page.evaluate(async () => {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle('webgpu-diffusion-images');
    for await (const handle of folder.values()) {
      const stream = await (handle as FileSystemFileHandle).createWritable({ keepExistingData: true });
      await stream.write({ type: 'write', position: 900, data: Uint8Array.of(1, 2, 3) });
      await stream.close();
    }
  });
  await goOn(page);
  await mentions(page, 'runs-needed', 'does not keep');
  expect(await keptImages(page)).toEqual([]);
  await upload(page, 'folder', others);
  await mentions(page, 'files-problem-text', 'These are not the images that the run trains on.');
  await phase(page, 'idle');
  await click(page, '#files-problem-close');
  expect(await text(page, 'files-problem-text')).toBe('');
  expect(await losses(page)).toEqual([]);
  await upload(page, 'folder', folder);
  await phase(page, 'finished');
  expect(await fromState(page, 'error')).toBeUndefined();
  expect(await losses(page)).toEqual(before);
  await click(page, '#reset');
  await keptSets(page, 0);
});

test('larger pictures become 32 pixels wide, and finished images of them are enlarged, unless their pixels are to stay', async () => {
  const large = join(place, 'large');
  writePictures(large, { width: 40, height: 40 });
  const few = 'recipe=pictures&batch=4&widths=8&epochs=1&samples=4&holdout=0';
  const { page } = await driven.visit(`${driven.address}?task=train&size=40&${few}`);
  await reads(page, 'notices-list', /^size is 40; it must be auto, or a multiple of 4 from 16 to 32/);
  await phase(page, 'idle');
  await upload(page, 'folder', folder);
  // The digits are 28 wide, too.
  await until(page, () => window.harness.state.data?.channels === 3);
  expect(await fromState(page, 'data')).toMatchObject({ width: 28, shrunk: true });
  await dropFolder(page, large);
  await until(page, () => window.harness.state.data?.width === 32);
  expect(await fromState(page, 'data')).toMatchObject({ height: 32, width: 32, shrunk: true });
  await trainToEnd(page);
  /** Whether two columns of images of this width are drawn, at any scale. */
  const draws = (side: number) =>
    until(
      page,
      (side) => {
        const { width } = document.getElementById('grid') as HTMLCanvasElement;
        return Array.from({ length: 12 }, (_, i) => (i + 1) * (2 * side + 1)).includes(width);
      },
      side,
    );
  await draws(64);
  await click(page, '#train-play');
  await click(page, '#sample');
  await reads(page, 'frame-note', /has enlarged them/);
  await page.select('#enlarge', 'pixels');
  await until(page, () => !/enlarged/.test(document.getElementById('frame-note')!.textContent!));
  expect(await searchOf(page)).toContain('enlarge=pixels');
  await click(page, '#tab-train');
  await draws(32);
  await click(page, '#reset');
  await keptSets(page, 0);
});

test('without room for the images the run goes on, and asks for them in another visit', async () => {
  const { page } = await trained((page) => leaveNoRoom(page, true));
  await reads(
    page,
    'notices-list',
    /^This browser keeps the run without its 10 kB of images, and asks for them when it goes on. There is no room left for this page.$/,
  );
  // Who has read it need not read it again.
  await click(page, '#notices-close');
  await type(page, 'epochs', '8');
  await trainToEnd(page);
  await until(page, () => window.harness.state.stored === 24);
  expect(await text(page, 'notices-list')).toBe('');
  expect(await keptImages(page)).toEqual([]);
  await goOn(page);
  await mentions(page, 'runs-needed', 'does not keep');
});
