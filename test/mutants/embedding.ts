/** Faults of what guests of the engine use: kernels by themselves, pictures, noise on images of their own. */
import { emulate, type Mutants, node, unit } from './mutant';

export const embedding: Mutants = {
  'kernels of one’s own': {
    'the maximum of three of four': {
      file: 'shaders/activation/max_pool.wgsl',
      text: 'max(input[c], input[c + params.n4])',
      becomes: 'input[c]',
      caughtBy: emulate('max_pool'),
    },
    'of equal maxima, two get the gradient': {
      file: 'shaders/activation/max_pool_grad.wgsl',
      text: 'let is_b = !is_a & (b == top);',
      becomes: 'let is_b = b == top;',
      caughtBy: emulate('max_pool_grad'),
    },
    'a copy is of the pixel beside it': {
      file: 'shaders/activation/upsample.wgsl',
      text: 'output[c + params.n4] = v;',
      becomes: 'output[c + params.n4] = input[i + 1u];',
      caughtBy: emulate('upsample'),
    },
    'the gradient of three of four copies': {
      file: 'shaders/activation/upsample_grad.wgsl',
      text: ' + (grad_output[c] + grad_output[c + params.n4])',
      becomes: ' + grad_output[c]',
      caughtBy: emulate('upsample_grad'),
    },
    'the last parameter is not updated': {
      file: 'src/standalone/adam.ts',
      text: 'inChannels: 0, outChannels: size,',
      becomes: 'inChannels: 0, outChannels: Math.max(1, size - 1),',
      caughtBy: node('gpu/standalone_more', 'createAdam'),
    },
    'clipping is not recorded': {
      file: 'src/standalone/adam.ts',
      text: 'Float32Array.of(learningRate, clipNorm ?? NO_CLIP, weightDecay)',
      becomes: 'Float32Array.of(learningRate, NO_CLIP, weightDecay)',
      caughtBy: node('gpu/standalone_more', 'createAdam'),
    },
  },
  frameworks: {
    'Vue wraps an engine': {
      file: 'src/base/resource.ts',
      text: 'return this.kind;',
      becomes: "return 'Object';",
      caughtBy: node('node/frameworks', 'what Vue wraps'),
    },
    'an engine works with what a Proxy wraps': {
      file: 'src/base/resource.ts',
      text: 'if (this.listeners === this.self().listeners) return;',
      becomes: 'if (this.listeners) return;',
      caughtBy: node('node/frameworks', 'nothing is forgotten'),
    },
    'what a Proxy wraps cannot be destroyed': {
      file: 'src/base/resource.ts',
      text: 'const self = this.self();\n    if (self.gone) return;',
      becomes: 'const self = this;\n    if (self.gone) return;',
      caughtBy: node('node/frameworks', 'nothing is forgotten'),
    },
    'a device that comes after an abort stays': {
      file: 'src/engine.ts',
      text: 'unlessAborted(signal, request(), (late) => late.destroy())',
      becomes: 'unlessAborted(signal, request())',
      caughtBy: node('node/frameworks', 'runs twice'),
    },
  },
  'pictures given': {
    'what is transparent is black': {
      file: 'src/pictures/picture.ts',
      text: '255 + alpha * (byte - 255)',
      becomes: 'alpha * byte',
      caughtBy: unit('pictures/picture'),
    },
    'blue counts as red': {
      file: 'src/pictures/picture.ts',
      text: '0.299 * red + 0.587 * green + 0.114 * blue',
      becomes: '0.114 * red + 0.587 * green + 0.299 * blue',
      caughtBy: unit('pictures/picture'),
    },
    'a network that is told levels sees pictures as others do': {
      file: 'src/unet/unet.ts',
      text: 'noiseLevel ? ([-1, 1] as const)',
      becomes: 'noiseLevel ? ([0, 1] as const)',
      caughtBy: node('gpu/picture_sources'),
    },
  },
  'parameters of another network': {
    'the table of other classes is not left but overwritten with zeros': {
      file: 'src/unet/network.ts',
      text: 'write(0, left?.offset);',
      becomes: 'write(0);',
      caughtBy: node('gpu/unet', 'takeParameters'),
    },
    'what comes after the table is not set': {
      file: 'src/unet/network.ts',
      text: 'if (left) write(left.offset + left.size);',
      becomes: '',
      caughtBy: node('gpu/unet', 'takeParameters'),
    },
    'a table that fits is left, too': {
      file: 'src/unet/take_parameters.ts',
      text: ' && values.get(table.name)?.length !== table.size',
      becomes: '',
      caughtBy: node('gpu/unet', 'takeParameters'),
    },
    'weights are taken in the middle of a fit': {
      file: 'src/unet/take_parameters.ts',
      text: 'if (weights.inTraining) {',
      becomes: 'if (false) {',
      caughtBy: node('gpu/unet', 'takeParameters'),
    },
    'kernels are transformed at every call after a trainer, too': {
      file: 'src/unet/network.ts',
      text: 'this.trainers.delete(isBusy);',
      becomes: '',
      caughtBy: node('gpu/unet', 'when it is gone'),
    },
  },
  'noise on images given': {
    'the noise of both images of a pair is the same': {
      file: 'shaders/batch/corrupt.wgsl',
      text: 'normal(words, words)[n % 2u]',
      becomes: 'normal(words, words)[0]',
      caughtBy: emulate('corrupt'),
    },
    'the noise does not depend on the step': {
      file: 'src/training/corrupter.ts',
      text: 'Uint32Array.of(step)',
      becomes: 'Uint32Array.of(0)',
      caughtBy: node('gpu/corrupter'),
    },
    'levels of one’s own are drawn over': {
      file: 'src/training/corrupter.ts',
      text: 'this.record(encoder, step, !custom);',
      becomes: 'this.record(encoder, step, true);',
      caughtBy: node('gpu/corrupter'),
    },
  },
};
