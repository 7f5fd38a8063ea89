/**
 * The pages of examples/ as they stand, in Chrome, until each has trained; but for three and frames (long/frames).
 *
 * @module-tag nightly
 */
import type { Page } from 'puppeteer';
import { expect, test } from 'vitest';
import { driveExamples } from '../../lib/page/drive_examples';
import { until } from '../../lib/page/visit';

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

const paintedOn = (page: Page) => () =>
  page.evaluate(() => (globalThis as unknown as { painted?: number[] }).painted ?? []);

test('browser: samples are painted on the canvas while it trains', async () => {
  const page = await opened('browser', '^Step [2-9]\\d, loss', keepPainted);
  const painted = paintedOn(page);
  await expect.poll(painted, { timeout: 60_000 }).toHaveLength(8 * 28 * 2 * 28);
  // After some twenty steps the ink is a blur.
  expect(Math.min(...(await painted()))).toBeLessThan(200);
  await page.close();
});

test('morph: the digits on the canvas follow the mouse', async () => {
  const page = await opened('morph', '^Picture 1, 50 % across, 50 % down', keepPainted);
  const painted = paintedOn(page);
  await expect.poll(painted, { timeout: 60_000 }).toHaveLength(5 * 28 * 2 * 28);
  const first = await painted();
  const { x, y, width, height } = (await (await page.$('canvas'))!.boundingBox())!;
  await page.mouse.move(x + 0.9 * width, y + 0.2 * height, { steps: 10 });
  await until(page, () =>
    document.querySelector('#status')!.textContent!.endsWith(', 90 % across, 20 % down'),
  );
  await expect.poll(painted).not.toEqual(first);
  await page.close();
});

test.each([
  ['custom_loss', '^Step 40,'],
  ['worker', '^step \\d+: 0\\.'],
  // Of digits that it has not seen.
  ['classifier', '^Right about (9[789]|100)'],
  ['denoiser', '^Mean error .* Done'],
])('%s comes to what it says: %s', async (name, says) => {
  await (await opened(name, says)).close();
});
