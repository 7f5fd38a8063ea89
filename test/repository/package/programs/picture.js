/** A texture of the engine's on a plane that three.js draws. */

import {
  ExternalTexture,
  Mesh,
  MeshBasicMaterial,
  OrthographicCamera,
  PlaneGeometry,
  RenderTarget,
  Scene,
  WebGPURenderer,
} from 'three/webgpu';
import { createEngine } from 'webgpu-diffusion';
import { createPictureTexture, deviceOf } from 'webgpu-diffusion/three';
import { use } from './use.js';

/** Side of the image. */
const SIDE = 28;
/** Side of the drawing: rows of 256 bytes, as older versions of three.js read back padding, too. */
const DRAWN = 64;

globalThis.result = main();

async function main() {
  const renderer = new WebGPURenderer({ canvas: document.querySelector('canvas') });
  const device = await deviceOf(renderer);
  const engine = await createEngine({ device });
  const used = await use(engine);
  const mapped = await drawTexture(renderer, engine);
  engine.destroy();
  return { ...used, mapped };
}

/** What three draws of an image whose upper half is 0.25, and whose lower half 0.75: a red of each half, in linear light. */
async function drawTexture(renderer, engine) {
  const { device } = engine;
  const values = Float32Array.from({ length: SIDE ** 2 }, (_, i) => (i < SIDE ** 2 / 2 ? 0.25 : 0.75));
  const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const images = device.createBuffer({ size: values.byteLength, usage });
  device.queue.writeBuffer(images, 0, values);
  const picture = await createPictureTexture(engine, ExternalTexture, {
    height: SIDE,
    width: SIDE,
    channels: 1,
  });
  await picture.paint(images);
  const scene = new Scene();
  scene.add(new Mesh(new PlaneGeometry(2, 2), new MeshBasicMaterial({ map: picture.texture })));
  const camera = new OrthographicCamera(-1, 1, 1, -1, 0, 2);
  camera.position.z = 1;
  const target = new RenderTarget(DRAWN, DRAWN);
  renderer.setRenderTarget(target);
  await renderer.renderAsync(scene, camera);
  renderer.setRenderTarget(null);
  const bytes = await renderer.readRenderTargetPixelsAsync(target, 0, 0, DRAWN, DRAWN);
  return [DRAWN / 4, (3 * DRAWN) / 4].map((y) => bytes[4 * (y * DRAWN + DRAWN / 2)]);
}
