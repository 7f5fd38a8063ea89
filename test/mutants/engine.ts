/** Faults of the engine: programs, device, predictions, checks. */
import { type Mutants, node, unit } from './mutant';

export const engine: Mutants = {
  programs: {
    'the last part of a dispatch is left out': {
      file: 'src/gpu/program.ts',
      text: 'const to = Math.floor(((p + 1) * z) / count);',
      becomes: 'const to = Math.floor(((p + 1) * (z - 1)) / count);',
      caughtBy: node('gpu/kernels', 'uniform_noise'),
    },
    'a program that fails takes no sibling down': {
      file: 'src/gpu/program.ts',
      text: "for (const r of results) if (r.status === 'fulfilled') r.value.destroy();",
      becomes: '',
      caughtBy: node('gpu/engine', 'fails half way'),
    },
  },
  'kernels by themselves': {
    'the bias is the head of the kernel': {
      file: 'src/alone/conv2d.ts',
      text: 'bias: port(parameters, outChannels, taps) }',
      becomes: 'bias: port(parameters, outChannels) }',
      caughtBy: node('gpu/alone'),
    },
    'a gradient is added to the last one': {
      file: 'src/alone/activation.ts',
      text: 'clears: pools ? [inputGradient.images] : [],',
      becomes: 'clears: [],',
      caughtBy: node('gpu/alone'),
    },
    'what fills a batch up counts': {
      file: 'src/alone/alone.ts',
      text: 'Uint32Array.of(count)',
      becomes: 'Uint32Array.of(count - 1)',
      caughtBy: node('gpu/alone'),
    },
    'a buffer that is too small is read': {
      file: 'src/alone/alone.ts',
      text: "checkSlice(key, given[key], size * 4, 'COPY_SRC');",
      becomes: "checkSlice(key, given[key], 0, 'COPY_SRC');",
      caughtBy: node('gpu/alone'),
    },
  },
  device: {
    'a submission that is refused is taken for done': {
      file: 'src/gpu/gpu.ts',
      text: '    const accepted = this.scoped(',
      becomes: '    const accepted = undefined;\n    void this.scoped(',
      caughtBy: node('gpu/engine', 'that the device refuses'),
    },
    'work that throws leaves its error scope': {
      file: 'src/gpu/gpu.ts',
      text: '      thrown = error;\n',
      becomes: '      throw error;\n',
      caughtBy: node('gpu/engine', 'leaves no error scope'),
    },
    'three submissions in flight': {
      file: 'src/gpu/gpu.ts',
      text: '          await previous;\n',
      becomes: '',
      caughtBy: node('gpu/pacing'),
    },
    'a lost device is a mystery': {
      file: 'src/gpu/gpu.ts',
      text: '      loss.info = info;\n',
      becomes: '',
      caughtBy: node('gpu/engine', 'a lost device'),
    },
    'memory that is short is told of by nobody': {
      file: 'src/gpu/gpu.ts',
      text: '(memory ?? validation ?? thrown)',
      becomes: '(validation ?? thrown)',
      caughtBy: node('node/calls', 'a call of a training step'),
    },
    'what could not be written is told of by nobody': {
      file: 'src/gpu/gpu.ts',
      text: '...this.writes.splice(0), ',
      becomes: '',
      caughtBy: node('node/calls', 'a call of a training step'),
    },
    'a recorded run throws what the device does': {
      file: 'src/sampling/sampler.ts',
      text: '        buffer?.destroy();\n',
      becomes: '        buffer?.destroy();\n        if (cause) throw cause;\n',
      caughtBy: node('node/calls', 'of a recorded run'),
    },
    'what a device rejects is thrown as it is': {
      file: 'src/gpu/gpu.ts',
      text: "throw new EngineError('shader', `The device failed",
      becomes: "throw cause ?? new EngineError('shader', `The device failed",
      caughtBy: node('node/calls', 'a call of a training step'),
    },
    'the pacer believes one measurement': {
      file: 'src/gpu/pacer.ts',
      text: 'const MAX_CHANGE = 4;',
      becomes: 'const MAX_CHANGE = 4e9;',
      caughtBy: node('gpu/pacing'),
    },
    'what is destroyed is read': {
      file: 'src/gpu/staging.ts',
      text: "if (this.destroyed) throw new EngineError('destroyed', 'It was destroyed before its results were read.');",
      becomes: '',
      caughtBy: node('gpu/trainer', 'what is destroyed while it is read'),
    },
    'children of an engine outlive it': {
      file: 'src/engine.ts',
      text: 'if (this.destroyed) child.destroy();',
      becomes: '',
      caughtBy: node('gpu/engine', 'while it makes'),
    },
  },
  predictions: {
    'kernels of old weights': {
      file: 'src/unet/predictor.ts',
      text: 'weightsVersion !== undefined && weightsVersion === this.prepared',
      becomes: 'this.prepared !== undefined',
      caughtBy: node('gpu/unet', 'are transformed'),
    },
    'a prediction that failed counts as prepared': {
      file: 'src/unet/predictor.ts',
      text: '    } catch (error) {\n      this.prepared = undefined;\n',
      becomes: '    } catch (error) {\n',
      caughtBy: node('gpu/unet', 'are transformed'),
    },
  },
  'self-check': {
    'no number is near enough': {
      file: 'src/checking/compare.ts',
      text: '!(distance <= allowedAt(expected[i]))',
      becomes: 'distance > allowedAt(expected[i])',
      caughtBy: unit('checking'),
    },
    'ten times as far off is near enough': {
      file: 'src/checking/compare.ts',
      text: 'const TOLERANCE = 1e-3;',
      becomes: 'const TOLERANCE = 1e-2;',
      caughtBy: node('node/wrong_kernels', '0.4% off'),
    },
    'what is wrong is remembered as right': {
      file: 'src/checking/self_check.ts',
      text: '      else passed.add(key);',
      becomes: '      passed.add(key);',
      caughtBy: node('node/wrong_kernels', 'remembered as right'),
    },
    'what is wrong is no error': {
      file: 'src/checking/self_check.ts',
      text: 'if (!this.passed.has(key)) throw this.unusable.get(key)!;',
      becomes: 'if (!this.unusable) throw key;',
      caughtBy: node('node/wrong_kernels', 'Adam of the wrong sign'),
    },
    'a wrong plain form is not looked at': {
      file: 'src/checking/check_ops.ts',
      text: 'return ofPlain ? findingOf(plain, ofPlain, adapter) : findingOf(o, fault, adapter);',
      becomes: 'return findingOf(o, fault, adapter);',
      caughtBy: node('node/wrong_kernels', 'as wrong'),
    },
    'tests of one adapter count for another': {
      file: 'src/tuning/cache.ts',
      text: 'return [vendor, architecture, device, description, runtime];',
      becomes: 'return [vendor, architecture, device, runtime];',
      caughtBy: node('node/wrong_kernels', 'remembered with the adapter'),
    },
  },
  distilling: {
    'x is not read anew': {
      file: 'src/sampling/recording.ts',
      text: '  encodeProgram(encoder, x.toImages);\n',
      becomes: '',
      caughtBy: node('gpu/distiller', 'trajectories are those of Euler'),
    },
    'all trajectories begin with the same noise': {
      file: 'src/distilling/trajectories.ts',
      text: 'seed: threefry(seed, STREAM.distil, first, 0)[0],',
      becomes: 'seed: threefry(seed, STREAM.distil, 0, 0)[0],',
      caughtBy: node('gpu/distiller', 'trajectories are those of Euler'),
    },
    'every step has the same batch': {
      file: 'src/distilling/trajectories.ts',
      text: 'threefry(seed, STREAM.distil, step, n + 1)',
      becomes: 'threefry(seed, STREAM.distil, 0, n + 1)',
      caughtBy: node('gpu/distiller', 'trajectories are those of Euler'),
    },
    'the velocity is half of what it should be': {
      file: 'src/distilling/trajectories.ts',
      text: 'row[SAMPLING_STEP.correction] = calls;',
      becomes: 'row[SAMPLING_STEP.correction] = 1;',
      caughtBy: node('gpu/distiller', 'trajectories are those of Euler'),
    },
    'a student begins with random weights': {
      file: 'src/distilling/distiller.ts',
      text: '    await student.setParameters(parameters);\n',
      becomes: '',
      caughtBy: node('gpu/distiller', 'begins as its teacher'),
    },
    'memory is left after a run': {
      file: 'src/distilling/distiller.ts',
      text: '    } finally {\n      this.release();\n',
      becomes: '    } finally {\n',
      caughtBy: node('gpu/distiller', 'memory is held'),
    },
    'trajectories take any memory': {
      file: 'src/distilling/options.ts',
      text: 'if (noises * bytes <= MOST_BYTES) return;',
      becomes: 'if (noises <= MOST_BYTES) return;',
      caughtBy: node('gpu/distiller', 'refused'),
    },
    'a distilled network is a teacher': {
      file: 'src/distilling/options.ts',
      text: 'const { calls } = teacher.sampling ?? {};',
      becomes: 'const calls = undefined;',
      caughtBy: node('gpu/distiller', 'is no teacher'),
    },
    'a network that is trained on stays distilled': {
      file: 'src/training/validate.ts',
      text: '  unet.forgetTeacher();\n',
      becomes: '',
      caughtBy: node('gpu/distiller', 'training a student on'),
    },
    'a file forgets what its network was distilled from': {
      file: 'src/weights/model.ts',
      text: '    ...(sampling?.calls && unet.teacher ? { teacher: unet.teacher } : {}),\n',
      becomes: '',
      caughtBy: unit('weights/checkpoint', 'distilled'),
    },
    'a run is replaced by a distilled model': {
      file: 'harness/cli/commands/distil.ts',
      text: 'if (existsSync(join(out, CHECKPOINT))) {',
      becomes: 'if (!overwrite && existsSync(join(out, CHECKPOINT))) {',
      caughtBy: unit('harness/cli', 'distil replaces no run'),
    },
  },
  'drivers that clear no memory': {
    'finish_step believes what it finds': {
      file: 'shaders/optimizer/finish_step.wgsl',
      text: 'atomicStore(&found, 0u);',
      becomes: 'atomicOr(&found, 0u);',
      caughtBy: node('node/hostile', 'garbage'),
    },
  },
  'requests for a device': {
    'one that is rejected is not repeated': {
      file: 'src/gpu/request_device.ts',
      text: '    if (error instanceof EngineError) throw error;\n    const { askForLess }',
      becomes: '    if (error) throw error;\n    const { askForLess }',
      caughtBy: node('node/hostile', 'request for'),
    },
    'features are asked for to the end': {
      file: 'src/gpu/ask_for_less.ts',
      text: 'return await ask(false);',
      becomes: 'return await ask(true);',
      caughtBy: node('node/hostile', 'request for'),
    },
    'a driver that does not answer is waited for': {
      file: 'src/gpu/request_device.ts',
      text: '    }, ANSWER_MS);',
      becomes: '    }, 10 * ANSWER_MS);',
      caughtBy: node('node/hostile', 'request for'),
    },
    'a device that comes late stays': {
      file: 'src/gpu/request_device.ts',
      text: '      asked.then(drop, () => {});\n',
      becomes: '',
      caughtBy: node('node/hostile', 'request for'),
    },
    'the batch that is said to fit does not': {
      file: 'src/tuning/largest_batch.ts',
      text: 'if (fits(4 * middle)) good',
      becomes: 'if (fits(2 * middle)) good',
      caughtBy: node('gpu/trainer', 'that fits'),
    },
  },
  'kernels that are refused': {
    'no other form takes the place of one': {
      file: 'src/gpu/program.ts',
      text: "if (!(cause instanceof EngineError) || cause.code !== 'shader') throw cause;",
      becomes: 'throw cause;',
      caughtBy: node('node/hostile', 'at the same time'),
    },
    'they spoil the check of others': {
      file: 'src/checking/self_check.ts',
      text: '      if (ops.length === 1) {\n        if (error instanceof UnusableKernel) return [error];\n        throw error;\n      }\n',
      becomes: '      throw error;\n',
      caughtBy: node('node/hostile', 'by turns'),
    },
    'they come back from the cache': {
      file: 'src/tuning/tuner.ts',
      text: 'measurable.includes(known) && isTrusted)',
      becomes: 'measurable.includes(known))',
      caughtBy: node('node/hostile', 'compares with'),
    },
    'what the tuner compares with ends all': {
      file: 'src/tuning/tuner.ts',
      text: '        report(ops[0].variant, (error as Error).message);\n        continue;',
      becomes: '        throw error;',
      caughtBy: node('node/hostile', 'compares with'),
    },
    'they are told of by everything that used them': {
      file: 'src/tuning/engine_chooser.ts',
      text: 'if (!this.told.has(rejected)) this.onWarning',
      becomes: 'this.onWarning',
      caughtBy: node('node/hostile', 'at the same time'),
    },
    'a run that began with one cannot go on': {
      file: 'src/worker/resume.ts',
      text: 'if (!isArgument && !(error instanceof UnusableKernel)) throw error;',
      becomes: 'if (!isArgument) throw error;',
      caughtBy: node('node/hostile', 'given up'),
    },
  },
};
