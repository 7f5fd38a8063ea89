/** The further tries for a device, where the browser or driver has rejected the first. Loaded then. */
import { EngineError } from '../errors';

/** `ask` asks for a device without optional limits, with optional features or without. Throws `no-adapter` if it rejects both. */
export async function askForLess<T>(ask: (withFeatures: boolean) => Promise<T>): Promise<T> {
  try {
    return await ask(true);
  } catch (error) {
    if (error instanceof EngineError) throw error;
  }
  try {
    return await ask(false);
  } catch (cause) {
    if (cause instanceof EngineError) throw cause;
    throw new EngineError(
      'no-adapter',
      `WebGPU is present, but its adapter gives no device, not even with default limits and without features: ${(cause as Error)?.message}. Reload the page or start the browser anew, and update the graphics driver.`,
      { cause },
    );
  }
}
