/**
 * The pages of examples/ as they stand, in Chrome, until each has trained; three.test.ts has examples/three, and `npm run test:all -- long` measures
 * examples/frames.
 *
 * @module-tag nightly
 */
import type { Page } from 'puppeteer';
import { expect, test } from 'vitest';
import { driveExamples } from '../../lib/page/drive_examples';
import { pressOn, until } from '../../lib/page/visit';

const examples = driveExamples();

/** The example's page once its status begins as `status` says, without a problem on its console. */
async function opened(name: string, status: string, before = () => {}): Promise<Page> {
  const { page, problems } = await examples.open(name, before);
  await until(
    page,
    (begins) => new RegExp(begins).test(document.querySelector('#status')!.textContent!),
    status,
  );
  expect(problems).toEqual([]);
  return page;
}

/** Keeps the red of what is painted on a canvas, read back from its texture: headless Chrome shows no WebGPU canvas. */
function keepPainted(): void {
  const { configure, getCurrentTexture } = GPUCanvasContext.prototype;
  const { submit } = GPUQueue.prototype;
  let device: GPUDevice;
  let texture: GPUTexture | undefined;
  GPUCanvasContext.prototype.configure = function (options) {
    device = options.device;
    configure.call(this, { ...options, usage: options.usage! | GPUTextureUsage.COPY_SRC });
  };
  GPUCanvasContext.prototype.getCurrentTexture = function () {
    texture = getCurrentTexture.call(this);
    return texture;
  };
  GPUQueue.prototype.submit = function (commands) {
    submit.call(this, commands);
    if (!texture) return;
    const { width, height } = texture;
    const bytesPerRow = Math.ceil(width / 64) * 256;
    const usage = GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ;
    const buffer = device.createBuffer({ size: bytesPerRow * height, usage });
    const encoder = device.createCommandEncoder();
    encoder.copyTextureToBuffer({ texture }, { buffer, bytesPerRow }, [width, height]);
    texture = undefined;
    submit.call(this, [encoder.finish()]);
    void buffer.mapAsync(GPUMapMode.READ).then(() => {
      const bytes = new Uint8Array(buffer.getMappedRange());
      const red = bytes.filter((_, i) => i % 4 === 0 && i % bytesPerRow < 4 * width);
      Object.assign(globalThis, { painted: [...red] });
    });
  };
}

test('browser: samples are painted on the canvas while it trains', async () => {
  const page = await opened('browser', '^Step [2-9]\\d, loss', keepPainted);
  const painted = () => page.evaluate(() => (globalThis as unknown as { painted?: number[] }).painted ?? []);
  await expect.poll(painted, { timeout: 60_000 }).toHaveLength(8 * 28 * 2 * 28);
  // After some twenty steps the ink is a blur, and the paper is white.
  const values = await painted();
  expect(Math.min(...values)).toBeLessThan(200);
  expect(values.filter((value) => value > 240).length).toBeGreaterThan(0.3 * values.length);
  await page.close();
});

test('morph: the digits on the canvas follow mouse and arrow keys', async () => {
  const page = await opened('morph', '^Picture 1, 50 % across, 50 % down', keepPainted);
  const painted = () => page.evaluate(() => (globalThis as unknown as { painted?: number[] }).painted ?? []);
  await expect.poll(painted, { timeout: 60_000 }).toHaveLength(5 * 28 * 2 * 28);
  const first = await painted();
  // Ink on paper.
  expect(Math.min(...first)).toBeLessThan(60);
  expect(first.filter((value) => value > 240).length).toBeGreaterThan(0.5 * first.length);
  const { x, y, width, height } = (await (await page.$('canvas'))!.boundingBox())!;
  await page.mouse.move(x + 0.9 * width, y + 0.2 * height, { steps: 10 });
  await until(page, () =>
    document.querySelector('#status')!.textContent!.endsWith(', 90 % across, 20 % down'),
  );
  const moved = await painted();
  expect(moved).not.toEqual(first);
  await pressOn(page, 'canvas', 'ArrowDown');
  await until(page, () =>
    document.querySelector('#status')!.textContent!.endsWith(', 90 % across, 22 % down'),
  );
  await expect.poll(painted).not.toEqual(moved);
  await page.close();
});

test('custom_loss: the mean absolute error falls', async () => {
  const page = await opened('custom_loss', '^Step 20,');
  const error = () => page.$eval('#status', (e) => Number(/error ([\d.]+)/.exec(e.textContent!)![1]));
  const first = await error();
  await until(page, () => !/^Step 20,/.test(document.querySelector('#status')!.textContent!));
  expect(await error()).toBeLessThan(first);
  await page.close();
});

test('worker: digits trained beside the page are shown', async () => {
  const page = await opened('worker', '^step \\d+: 0\\.');
  await page.close();
});

test('classifier: the network recognizes 97% of digits that it has not seen', async () => {
  const page = await opened('classifier', '^Right about');
  const told = await page.$eval('#status', (e) => Number(/about ([\d.]+)%/.exec(e.textContent!)![1]));
  expect(told).toBeGreaterThanOrEqual(97);
  await page.close();
});

test('denoiser: less than a fifth of the noise is left, and the digits are shown', async () => {
  const page = await opened('denoiser', '^Mean error .* Done');
  const errors = await page.$eval('#status', (e) => e.textContent!.match(/[\d.]+(?= with)/g)!.map(Number));
  expect(errors[1]).toBeLessThan(errors[0] / 5);
  const [canvas] = await page.$$('#digits:not([hidden])');
  expect(canvas).toBeDefined();
  await page.close();
});
