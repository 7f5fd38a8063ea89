/** three.js and the engine on one device: digits are sampled into a storage attribute of three's, and three draws them, and a texture of the engine's. */

import { storage, texture, uint, uv, vec4 } from 'three/tsl';
import {
  ExternalTexture,
  NodeMaterial,
  QuadMesh,
  RenderTarget,
  StorageBufferAttribute,
  WebGPURenderer,
} from 'three/webgpu';
import { createEngine } from 'webgpu-diffusion';
import { createPictureTexture, deviceOf } from 'webgpu-diffusion/three';
import { drawn } from './input.js';
import { use } from './use.js';

const SIDE = 28;
const [width, height] = [SIDE, SIDE * drawn.length];

globalThis.result = main();

async function main() {
  const renderer = new WebGPURenderer({ canvas: document.querySelector('canvas') });
  const device = await deviceOf(renderer);
  const engine = await createEngine({ device });

  // What is to be drawn is first noise, which sampling begins with.
  const attribute = new StorageBufferAttribute(gaussian(width * height), 1);
  const show = pictureOf(attribute);
  await show(renderer); // three makes its buffer when it first needs it
  const used = await use(engine, async (sampler, run) => {
    const encoder = device.createCommandEncoder();
    sampler.encodeRun(encoder, renderer.backend.get(attribute).buffer, run);
    device.queue.submit([encoder.finish()]);
    return new Float32Array(await renderer.getArrayBufferAsync(attribute));
  });
  const texels = await show(renderer);
  const mapped = await drawTexture(renderer, engine);
  engine.destroy();
  await show(renderer); // the device is still three's
  return { ...used, texels, mapped };
}

/** A function that draws a picture, one image below the other, with a pixel for each number, and reads the reds back. */
function pictureOf(attribute) {
  const material = new NodeMaterial();
  const at = uint(uv().y.mul(height))
    .mul(uint(width))
    .add(uint(uv().x.mul(width)));
  material.fragmentNode = vec4(storage(attribute, 'float', width * height).element(at), 0, 0, 1);
  const quad = new QuadMesh(material);
  const target = new RenderTarget(width, height);
  return async (renderer) => {
    renderer.setRenderTarget(target);
    quad.render(renderer);
    renderer.setRenderTarget(null);
    const bytes = await renderer.readRenderTargetPixelsAsync(target, 0, 0, width, height);
    return Array.from({ length: width * height }, (_, i) => bytes[4 * i]);
  };
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
  const material = new NodeMaterial();
  material.fragmentNode = texture(picture.texture);
  const target = new RenderTarget(SIDE, SIDE);
  renderer.setRenderTarget(target);
  new QuadMesh(material).render(renderer);
  renderer.setRenderTarget(null);
  const bytes = await renderer.readRenderTargetPixelsAsync(target, 0, 0, SIDE, SIDE);
  return [SIDE / 4, (3 * SIDE) / 4].map((y) => bytes[4 * (y * SIDE + SIDE / 2)]);
}

function gaussian(length) {
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 1) / 2 ** 32;
  };
  return Float32Array.from(
    { length },
    () => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random()),
  );
}
