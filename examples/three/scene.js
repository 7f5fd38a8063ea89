// Digits that come out of noise, on a turning cube: engine and three.js share a device, and no image leaves the GPU.
import { createPictureTexture } from '../../dist/lib/three.js';

const STEPS = 20;

/**
 * A scene whose cube shows digits. `next` samples the same noise with one more step, up to 20, then begins with another noise, and resolves to
 * the number of steps.
 */
export async function createDigitCube(THREE, engine, model) {
  const { device } = engine;
  const unet = await engine.createUNet(model.config);
  await unet.setParameters(model.parameters);
  const count = 9;
  const sampler = await engine.createSampler(unet, { count });
  const { height, width, channels } = model.config;
  const size = count * height * width * channels;
  const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const [noise, images] = [0, 1].map(() => device.createBuffer({ size: size * 4, usage }));
  const shape = { height, width, channels, count, columns: 3 };
  const picture = await createPictureTexture(engine, THREE.ExternalTexture, { ...shape, range: [1, 0] });

  const cube = new THREE.Mesh(new THREE.BoxGeometry(), new THREE.MeshBasicMaterial({ map: picture.texture }));
  const scene = new THREE.Scene();
  scene.add(cube);
  const camera = new THREE.PerspectiveCamera(50, 1, 0.1, 10);
  camera.position.z = 2;

  let step = 0;
  const next = () => {
    if (step % STEPS === 0) device.queue.writeBuffer(noise, 0, gaussian(size));
    step = (step % STEPS) + 1;
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(noise, 0, images, 0, size * 4);
    sampler.encodeRun(encoder, images, { steps: step, labels: [1, 2, 3, 4, 5, 6, 7, 8, 9] });
    picture.encode(encoder, images);
    device.queue.submit([encoder.finish()]);
    return device.queue.onSubmittedWorkDone().then(() => step);
  };
  return { scene, camera, cube, picture, images, next };
}

/** Gaussian numbers (Box and Muller). */
function gaussian(size) {
  return Float32Array.from({ length: size }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - Math.random()));
    return radius * Math.cos(2 * Math.PI * Math.random());
  });
}
