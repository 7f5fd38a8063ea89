/** three.js and the engine on one device: digits are sampled into a storage attribute of three's, and three draws them. */

import { storage, uint, uv, vec4 } from 'three/tsl';
import { NodeMaterial, QuadMesh, RenderTarget, StorageBufferAttribute, WebGPURenderer } from 'three/webgpu';
import { createEngine } from 'webgpu-diffusion';
import { drawn } from './input.js';
import { use } from './use.js';

const SIDE = 28;
const [width, height] = [SIDE, SIDE * drawn.length];

globalThis.result = main();

async function main() {
  const renderer = new WebGPURenderer({ canvas: document.querySelector('canvas') });
  await renderer.init();
  const { device } = renderer.backend;
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
  engine.destroy();
  await show(renderer); // the device is still three's
  return { ...used, texels };
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
