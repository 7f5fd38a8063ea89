/** A program of Node, without the types of pages. */
import { createEngine, type Picture, readPictures } from 'webgpu-diffusion';
import { loadDigits } from 'webgpu-diffusion/digits';
import { exportOnnx } from 'webgpu-diffusion/onnx';
import { loadPretrained } from 'webgpu-diffusion/pretrained';

export async function draw(): Promise<Float32Array> {
  const { images } = await loadDigits();
  const model = await loadPretrained('digits');
  const engine = await createEngine();
  const unet = await engine.createUNet(model.config);
  const picture: Picture = { data: new Uint8Array(4), width: 1, height: 1 };
  const values = [images.length, exportOnnx(model).byteLength, readPictures(picture).length];
  const prediction = await unet.predict(new Float32Array(784), { count: values.length > 0 ? 1 : 2 });
  engine.destroy();
  return prediction;
}
