import type { Progress } from '../src/device';

/** What the page and the command line say while shaders are compiled and kernels chosen. */
export const preparing = ({ task, done, total }: Progress): string =>
  task === 'compiling'
    ? `Compiling the shaders: ${done} of ${total}`
    : `Measuring which kernels are fastest: ${done} of ${total} shapes`;
