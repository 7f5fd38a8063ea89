/** Further attempts to get a device, and the errors that say why there is none. Loaded after the first attempt failed. */
import { EngineError } from '../base/errors';

const inNode =
  "in Node, install the package `webgpu` and call `await installWebGPU()` of webgpu-diffusion/node first; or put its globals in place yourself (import { create, globals } from 'webgpu'; Object.assign(globalThis, globals)), and pass its GPU object, create([]), as { gpu }.";

export const noGlobals = () =>
  new EngineError(
    'no-webgpu',
    `This runtime lacks the globals of WebGPU (GPUBufferUsage is not defined): ${inNode}`,
  );

export const noWebGPU = () =>
  new EngineError(
    'no-webgpu',
    globalThis.isSecureContext === false
      ? 'WebGPU is hidden because this page is not a secure context. Open it over https:// or from localhost.'
      : `This runtime has no WebGPU (navigator.gpu is missing). Use a recent Chrome, Edge, Firefox or Safari; ${inNode}`,
  );

export const noAdapter = () =>
  new EngineError(
    'no-adapter',
    'WebGPU is present, but no adapter was found. Update the graphics driver, or enable hardware acceleration; on Linux, Chrome may need --enable-unsafe-webgpu and a Vulkan driver (Mesa provides one in software).',
  );

export const noAnswer = (what: string, seconds: number) =>
  new EngineError(
    'no-adapter',
    `${what} did not answer within ${seconds} s. Reload the page or start the browser anew, and update the graphics driver.`,
  );

/**
 * `ask` asks for a device without optional limits, with optional features or without. Throws `no-adapter` if it rejects both; `first` is why
 * it rejected all of them.
 */
export async function askForLess<T>(first: unknown, ask: (withFeatures: boolean) => Promise<T>): Promise<T> {
  const afterFirst = ({ code, message }: EngineError) =>
    new EngineError(code, `${message} Before that: ${(first as Error | undefined)?.message}`, {
      cause: first,
    });
  try {
    return await ask(true);
  } catch (error) {
    if (error instanceof EngineError) throw afterFirst(error);
  }
  try {
    return await ask(false);
  } catch (cause) {
    if (cause instanceof EngineError) throw afterFirst(cause);
    throw new EngineError(
      'no-adapter',
      `WebGPU is present, but gives no device, not even with default limits and without features: ${(cause as Error)?.message}. Reload the page or start the browser anew, and update the graphics driver.`,
      { cause },
    );
  }
}
