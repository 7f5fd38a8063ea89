/**
 * examples/three as it stands, in Chrome: three.js draws what the engine makes, on one device.
 *
 * @module-tag nightly
 */
import { expect, test } from 'vitest';
import { driveExamples } from '../../lib/page/drive_examples';
import { until } from '../../lib/page/visit';

/** What the page leaves for its console. */
interface Example {
  // biome-ignore lint/suspicious/noExplicitAny: three.js brings no types.
  readonly [name: string]: any;
}

const examples = driveExamples();

test('the three.js example shows digits that come out of noise on a cube, and nothing leaves the GPU', async () => {
  const { page, problems } = await examples.open('three');
  await until(page, () => /^(?!Starting|Step [01]$)/.test(document.querySelector('#status')!.textContent!));
  expect(await page.$eval('#status', (e) => e.textContent)).toMatch(/^Step \d+$/);

  const seen = await page.evaluate(async () => {
    const { THREE, renderer, scene, camera, cube, picture, images } = (
      globalThis as unknown as { example: Example }
    ).example;
    renderer.setAnimationLoop(null);
    const { device } = renderer.backend;
    // In front of the camera, straight, so that the drawing has the pixels of the picture.
    cube.rotation.set(0, 0, 0);
    const side = 84;
    camera.position.z = 0.5 + 0.5 / Math.tan((25 * Math.PI) / 180); // the front face fills the view
    camera.updateMatrixWorld();
    const target = new THREE.RenderTarget(side, side);
    const draw = async () => {
      renderer.setRenderTarget(target);
      await renderer.render(scene, camera);
      renderer.setRenderTarget(null);
      return [...(await renderer.readRenderTargetPixelsAsync(target, 0, 0, side, side))] as number[];
    };
    // Images of which every pixel is known: the upper half lighter than the lower one.
    const halves = Float32Array.from({ length: 9 * 784 }, (_, i) => (i % 784 < 392 ? 0.25 : 0.75));
    device.queue.writeBuffer(images, 0, halves);
    await picture.paint(images);
    return draw();
  });
  expect(problems).toEqual([]);
  // Three rows of images, dark ink on white.
  const half = (y: number) => 255 * (y % 28 < 14 ? 0.75 : 0.25);
  // What three has drawn of it, in linear light, the right way up. Rows of a render target begin at the top.
  const linear = (v: number) => {
    const c = v / 255;
    return 255 * (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  };
  for (const y of [7, 21, 35, 49, 63, 77]) {
    const pixel = seen[(y * 84 + 40) * 4];
    expect(Math.abs(pixel - linear(half(y))), `row ${y} as drawn: ${pixel}`).toBeLessThan(2);
  }
});
