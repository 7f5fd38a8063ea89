/** Faults of what trains and samples, on the host. */
import { type Mutants, node, unit } from './mutant';

export const network: Mutants = {
  'lists of a step': {
    'a residual layer is pooled without what it adds': {
      file: 'src/unet/forward.ts',
      text: 'return { op: op(swishMaxPool, name, shape, { input, output, ...residualOf(pass) }), output };',
      becomes:
        'return { op: op(swishMaxPool, name, { ...shape, residual: false }, { input, output }), output };',
      caughtBy: unit('unet/passes'),
    },
    'what weights alone make is made of more': {
      file: 'src/unet/forward.ts',
      text: "bound(c, 'read').every((t) => weights.has(t))",
      becomes: "bound(c, 'read').some((t) => weights.has(t))",
      caughtBy: node('gpu/unet', 'predict'),
    },
    'no gradient for the biases of images': {
      file: 'src/unet/backward.ts',
      text: 'if (biasGrad && first !== undefined) {',
      becomes: 'if (biasGrad && first === 0) {',
      caughtBy: unit('unet/passes'),
    },
    'layers do not begin where a binding can': {
      file: 'src/unet/backward.ts',
      text: 'offset += align(slices.size);',
      becomes: 'offset += slices.size;',
      caughtBy: unit('unet/passes'),
    },
  },
  'memory plan': {
    'what is read shares the buffer of what is written': {
      file: 'src/plan/memory.ts',
      text: 'l.last < life.first',
      becomes: 'l.last <= life.first',
      caughtBy: unit('memory'),
    },
    'a table is overwritten': {
      file: 'src/plan/memory.ts',
      text: 'root.data ? always :',
      becomes: '',
      caughtBy: unit('memory'),
    },
  },
  schedule: {
    'the warm-up begins at 0': {
      file: 'src/plan/schedule.ts',
      text: 'return (completed + 1) / warmup;',
      becomes: 'return completed / warmup;',
      caughtBy: unit('training/schedule'),
    },
    'the cosine is longer by the warm-up': {
      file: 'src/plan/schedule.ts',
      text: '(completed - warmup) / (steps - warmup)',
      becomes: '(completed - warmup) / steps',
      caughtBy: unit('training/schedule'),
    },
    'a cosine may end where its warm-up does': {
      file: 'src/plan/schedule.ts',
      text: '    warmup + 1,\n',
      becomes: '    warmup,\n',
      caughtBy: unit('training/schedule'),
    },
    'a new schedule is for the step under way': {
      file: 'src/training/step_programs.ts',
      text: 'this.waiting ??= new Map();',
      becomes: '',
      caughtBy: node('gpu/schedule', 'keeps the old one'),
    },
    'a new schedule waits for a step that is dropped': {
      file: 'src/training/recorder.ts',
      text: 'this.programs.endParts();',
      becomes: '',
      caughtBy: node('gpu/schedule', 'a recorded step'),
    },
    'a new schedule waits for the end of the submission': {
      file: 'src/training/frames.ts',
      text: ' && !programs.isAwaited',
      becomes: '',
      caughtBy: node('gpu/schedule', 'several calls'),
    },
    'a checkpoint has the schedule at the start': {
      file: 'src/training/trainer.ts',
      text: 'this.settings = { ...this.settings, schedule };',
      becomes: '',
      caughtBy: node('gpu/schedule', 'a checkpoint'),
    },
  },
  'steps that are not made': {
    'no number is not too large': {
      file: 'src/training/refusal.ts',
      text: '!(Math.abs(value) <= LARGEST_INPUT)',
      becomes: 'Math.abs(value) > LARGEST_INPUT',
      caughtBy: unit('training/refusal'),
    },
    'the layer after the one that is to blame': {
      file: 'src/training/refusal.ts',
      text: 'layers[cause - 2]',
      becomes: 'layers[cause - 1]',
      caughtBy: unit('training/refusal'),
    },
    'a loss is compared with the smallest': {
      file: 'src/training/refusal.ts',
      text: '[(before.length - 1) >> 1]',
      becomes: '[0]',
      caughtBy: unit('training/refusal'),
    },
    'beyond the end of the ring': {
      file: 'src/training/losses.ts',
      text: '(this.step - count + i) % LOSS_RING',
      becomes: 'this.step - count + i',
      caughtBy: unit('training/losses'),
    },
    'after a fit the GPU goes on refusing': {
      file: 'src/training/trainer.ts',
      text: 'if (fit?.refused) this.allowSteps();',
      becomes: '',
      caughtBy: node('gpu/finite', 'a fit that is left'),
    },
    'a step that was refused is the last': {
      file: 'src/training/trainer.ts',
      text: '    this.allowSteps();\n    const wrong =',
      becomes: '    const wrong =',
      caughtBy: node('gpu/finite', 'a value in a batch'),
    },
  },
  trainer: {
    'a state without its second correction': {
      file: 'src/training/state.ts',
      text: "programs.writeState('correction2', Float32Array.of(correction2));",
      becomes: '',
      caughtBy: node('gpu/trainer', 'getState, setState'),
    },
    'losses of the trainer before are given out': {
      file: 'src/training/trainer.ts',
      text: 'this.firstStep = state.step;',
      becomes: '',
      caughtBy: node('gpu/trainer', 'only those of steps'),
    },
    'another seed has the same noise': {
      file: 'src/training/feed.ts',
      text: 'dataset === options.dataset && seed === options.seed &&',
      becomes: 'dataset === options.dataset &&',
      caughtBy: node('gpu/trainer', 'second fit with'),
    },
    'each epoch has the same order': {
      file: 'src/training/fit.ts',
      text: 'permutation(imageCount, seed, epoch)',
      becomes: 'permutation(imageCount, seed, 0)',
      caughtBy: node('gpu/trainer', 'two epochs'),
    },
    'a run that goes on in a last batch takes a whole one': {
      file: 'src/training/fit.ts',
      text: 'return imagesOfStep(this.parts, step);',
      becomes: 'return this.parts.batchSize;',
      caughtBy: node('gpu/resume'),
    },
    'an epoch that leaves its last batch out does not end on the GPU': {
      file: 'src/training/fit.ts',
      text: 'Uint32Array.of(imagesOfEpoch(parts))',
      becomes: 'Uint32Array.of(parts.imageCount)',
      caughtBy: node('gpu/trainer', 'two epochs'),
    },
    'steps that a driver has lost are not missed': {
      file: 'src/training/fit.ts',
      text: 'else if (made !== n) {',
      becomes: 'else if (made > n) {',
      caughtBy: node('gpu/trainer', 'steps that a driver loses'),
    },
    'a call that failed leaves its trainer busy': {
      file: 'src/training/trainer.ts',
      text: 'this.verifiedAgain(work()).finally(() => {\n      this.busy = false;\n    });',
      becomes:
        'this.verifiedAgain(work()).then((result) => {\n      this.busy = false;\n      return result;\n    });',
      caughtBy: node('node/twice_trainer', 'a failed load'),
    },
    'a fit that ends early leaves its trainer busy': {
      file: 'src/training/trainer.ts',
      text: '    } finally {\n      const { idle } = this;',
      becomes: '    }\n    {\n      const { idle } = this;',
      caughtBy: node('node/twice_trainer', 'an exception of the caller'),
    },
    'an abort does not end a training for a while': {
      file: 'src/training/frames.ts',
      text: 'gpu.pacer.millisecondsOf(nextPart) || signal?.aborted)',
      becomes: 'gpu.pacer.millisecondsOf(nextPart))',
      caughtBy: node('node/twice_trainer', 'an abort'),
    },
    'an evaluation leaves the order of its images': {
      file: 'src/training/evaluation.ts',
      text: '    order?.destroy();\n',
      becomes: '',
      caughtBy: node('node/twice_trainer', 'a refusal'),
    },
    'weights of a state are not packed': {
      file: 'src/training/trained_weights.ts',
      text: '    this.unpacked = true;\n',
      becomes: '',
      caughtBy: node('gpu/averaged'),
    },
  },
  sampling: {
    'a sampler stays busy after a submission that was refused': {
      file: 'src/sampling/sampler.ts',
      text: '      this.busy = false;\n      if (error !== signal?.reason)',
      becomes: '      if (error !== signal?.reason)',
      caughtBy: node('node/twice_sampler', 'a refused submission'),
    },
    'a sampler that is not made leaves its buffers': {
      file: 'src/sampling/plan.ts',
      text: '    for (const b of buffers) b.destroy();\n    throw error;',
      becomes: '    throw error;',
      caughtBy: node('node/twice_sampler', 'memory does not suffice'),
    },
    'the buffers of recorded runs stay as long as the sampler': {
      file: 'src/sampling/sampler.ts',
      text: 'if (recorded.size > MOST_RECORDED) recorded.delete(recorded.keys().next().value!);',
      becomes: '',
      caughtBy: node('node/soak', '500 different orders'),
    },
    'a buffer is destroyed while recorded commands read it': {
      file: 'src/sampling/sampler.ts',
      text: 'recorded.delete(recorded.keys().next().value!);',
      becomes: '{ const [first] = recorded; first[1].destroy(); recorded.delete(first[0]); }',
      caughtBy: node('gpu/flow_sampler', 'recorded one after the other'),
    },
    'each recorded run has a buffer of its own': {
      file: 'src/sampling/sampler.ts',
      text: 'const buffer = recorded.get(key) ?? this.bufferOf(words);',
      becomes: 'const buffer = this.bufferOf(words);',
      caughtBy: node('gpu/sampler', 'a step allocates nothing'),
    },
    'a recorded run makes its noise from seed 0': {
      file: 'src/sampling/sampler.ts',
      text: 'const numbers = { passes, settings, seed: seed ?? 0 };',
      becomes: 'const numbers = { passes, settings, seed: 0 };',
      caughtBy: node('gpu/sampler', 'noise follows from the seed'),
    },
    'Heun corrects away': {
      file: 'src/sampling/passes.ts',
      text: 'correction: -step / 2',
      becomes: 'correction: step / 2',
      caughtBy: unit('sampling/passes'),
    },
    'a mix goes the same share each time': {
      file: 'src/sampling/passes.ts',
      text: '1 / (steps - i)',
      becomes: '1 / steps',
      caughtBy: unit('sampling/passes'),
    },
    'the second look is at the level of the first': {
      file: 'src/sampling/passes.ts',
      text: 'level: next, step: step / 2',
      becomes: 'level, step: step / 2',
      caughtBy: unit('sampling/passes'),
    },
    'a recorded row is the one before': {
      file: 'src/sampling/recording.ts',
      text: 'encodeStep(encoder, plan, rows, i + 1);',
      becomes: 'encodeStep(encoder, plan, rows, i);',
      caughtBy: node('gpu/flow_sampler', 'every step is that of the f64'),
    },
    'known pixels are put in place in the middle of a step, too': {
      file: 'src/sampling/recording.ts',
      text: 'if (masked && passes[i].begins)',
      becomes: 'if (masked)',
      caughtBy: node('gpu/flow_sampler', 'every step is that of the f64'),
    },
    'known pixels end as they are predicted': {
      file: 'src/sampling/recording.ts',
      text: 'if (masked && from + n === passes.length) encodeLast(encoder, run);',
      becomes: '',
      caughtBy: node('gpu/flow_sampler', 'known pixels are exact'),
    },
    'labels of the run before are those of a run without': {
      file: 'src/sampling/sampler.ts',
      text: 'gpu.writeSoon(plan.classes, 0, this.classesOf(plan, labels));',
      becomes: 'if (labels) gpu.writeSoon(plan.classes, 0, this.classesOf(plan, labels));',
      caughtBy: node('gpu/flow_sampler', 'left over from the run before'),
    },
    'what is told no class is told the first': {
      file: 'src/sampling/sampler.ts',
      text: 'new Uint32Array(networkBatch).fill(classes)',
      becomes: 'new Uint32Array(networkBatch)',
      caughtBy: node('gpu/flow_sampler', 'guidance is the difference'),
    },
  },
  'training beside others': {
    'a recorded step has the rate of whatever runs before it': {
      file: 'src/training/recorder.ts',
      text: '      programs.encodeSettings(encoder, settings);\n',
      becomes: '',
      caughtBy: node('gpu/frames', 'recorded'),
    },
    'a step that a submission cuts is the first of the epoch again': {
      file: 'src/training/frames.ts',
      text: 'const next = pending.step + 1;',
      becomes: 'const next = this.step + steps;',
      caughtBy: node('gpu/frames', 'middle of an update'),
    },
    'an update that a submission cuts begins anew': {
      file: 'src/training/frames.ts',
      text: '    if (pending && isUpdating(pending)) return pending;\n',
      becomes: '',
      caughtBy: node('gpu/frames', 'middle of an update'),
    },
    'a share of the GPU is all of it': {
      file: 'src/training/frames.ts',
      text: 'if (share < 1) await pause',
      becomes: 'if (share > 1) await pause',
      caughtBy: node('gpu/frames', 'no more at once'),
    },
    'a submission is as long as there is time': {
      file: 'src/training/frames.ts',
      text: 'Math.min(time, share * milliseconds, gpu.pacer.maxMilliseconds)',
      becomes: 'Math.min(time, share * milliseconds)',
      caughtBy: node('gpu/frames', 'middle of an update'),
    },
    'the order of an epoch is on the GPU though another came after it': {
      file: 'src/training/frames.ts',
      text: ' && ordered.begun === begun - 1;',
      becomes: ';',
      caughtBy: node('gpu/frames', 'order of its epoch again'),
    },
    'a part of a step goes on where another step was made': {
      file: 'src/training/frames.ts',
      text: '      pending.begun === parts.begun() &&\n',
      becomes: '',
      caughtBy: node('gpu/frames', 'overwrites its memory'),
    },
  },
  'losses of the caller': {
    'gradients are never added up': {
      file: 'src/training/recorder.ts',
      text: 'if (!options.accumulate) encoder.clearBuffer',
      becomes: 'encoder.clearBuffer',
      caughtBy: node('gpu/custom_loss', 'add up'),
    },
    'a backward pass goes back through another step': {
      file: 'src/training/recorder.ts',
      text: 'if (!forward || forward.begun !== this.begun) {',
      becomes: 'if (!forward) {',
      caughtBy: node('gpu/custom_loss', 'without a forward pass'),
    },
    'the last activation has no slope': {
      file: 'src/training/custom_loss.ts',
      text: '      ...(activates ? [op(swishGrad, name, { elements }, { pre, grad })] : []),\n',
      becomes: '',
      caughtBy: node('gpu/custom_loss', 'gradient'),
    },
    'an update forgets its own decay': {
      file: 'src/training/recorder.ts',
      text: 'weightDecay = adam.weightDecay, clipNorm = clip } = given;',
      becomes: 'clipNorm = clip } = given;\n    const { weightDecay } = adam;',
      caughtBy: node('gpu/custom_loss', 'update'),
    },
  },
};
