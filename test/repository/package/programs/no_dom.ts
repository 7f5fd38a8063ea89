/** A program of Node, without the types of pages. */
import { createEngine, type Picture, readPictures } from 'webgpu-diffusion';
import { loadDigits } from 'webgpu-diffusion/digits';
import { exportOnnx } from 'webgpu-diffusion/onnx';
import { loadPretrained } from 'webgpu-diffusion/pretrained';

const model = await loadPretrained('digits');
const engine = await createEngine();
const unet = await engine.createUNet(model.config);
const picture: Picture = { data: new Uint8Array(4), width: 1, height: 1 };
export const values: number[] = [
  (await loadDigits()).count,
  exportOnnx(model).length,
  readPictures(picture).length,
];
export const prediction: Float32Array = await unet.predict(new Float32Array(784), { count: 1 });
