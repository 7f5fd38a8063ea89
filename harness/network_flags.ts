/** The flags that describe a network, and the configuration that they make. */
import { EngineError } from '../src/errors';
import { checkConfig, defaultConfig, type UNetConfig } from '../src/unet/config';
import { integer, integers, UsageError } from './args';

export const networkFlags = {
  widths: integers('32,64,64', 'channels of each level (default 32,64,64)', 1, 4096),
  'kernel-size': integer('N', 'sides of the convolutions, odd (default 5)', 1, 31),
};

/** `size` comes from the images. Throws UsageError. */
export function networkOf(
  given: { readonly widths?: readonly number[]; readonly 'kernel-size'?: number },
  size: Partial<Pick<UNetConfig, 'height' | 'width' | 'channels'>> = {},
): UNetConfig {
  const { widths = defaultConfig.widths, 'kernel-size': kernelSize = defaultConfig.kernelSize } = given;
  try {
    const { height, width, channels } = { ...defaultConfig, ...size };
    return checkConfig({ height, width, channels, widths, kernelSize });
  } catch (error) {
    if (error instanceof EngineError)
      throw new UsageError(`--widths ${widths} --kernel-size ${kernelSize}: ${error.message}`);
    throw error;
  }
}

/** `28x28x1, widths 32 64 64, kernels 5x5` */
export function describeNetwork({ height, width, channels, widths, kernelSize }: UNetConfig): string {
  return `${height}x${width}x${channels}, widths ${widths.join(' ')}, kernels ${kernelSize}x${kernelSize}`;
}
