/** Faults of files, data and the command line. */
import { type Mutants, node, unit } from './mutant';

export const data: Mutants = {
  'files of before': {
    'a bench says the name that a kernel had': {
      file: 'harness/bench/read.ts',
      text: 'return { ...row, kernel: merged.kernel,',
      becomes: 'return { ...row,',
      caughtBy: unit('old/old'),
    },
  },
  'kernel choices of the command line': {
    'a choice that is made again stays old': {
      file: 'harness/cli/tuning_cache.ts',
      text: 'choices.delete(key); // The newest choices come last.',
      becomes: '',
      caughtBy: unit('harness/tuning_cache'),
    },
  },
  'a recipe’s network': {
    'a grey network of before is sampled as pictures are': {
      file: 'src/recipes.ts',
      text: "const known = recipe === 'pictures' && config.channels !== 3 ? undefined : recipe;",
      becomes: 'const known = recipe;',
      caughtBy: unit('recipes'),
    },
    'a run on the command line does not say that it samples as pictures do': {
      file: 'harness/cli/train_plan.ts',
      text: "sampling: recipeSampling(given.recipe ?? 'tutorial', config)",
      becomes: '',
      caughtBy: node('node/train_command', 'recipe pictures trains'),
    },
    'pictures take images of any side': {
      file: 'harness/run/network.ts',
      text: 'side >= least && side <= most',
      becomes: 'side >= least',
      caughtBy: unit('harness/recipe_flags'),
    },
    'the memory of an average is not said': {
      file: 'harness/cli/explain_text.ts',
      text: '* (training.averageWeights ? 2 : 1)',
      becomes: '',
      caughtBy: node('node/pictures', 'explain says beforehand'),
    },
  },
  'results of strangers': {
    'software is in the table as a GPU': {
      file: 'harness/tools/results/results.ts',
      text: 'described.software && !software',
      becomes: 'described.software && !described.software',
      caughtBy: unit('harness/results'),
    },
    'names may have control characters': {
      file: 'harness/tools/results/results.ts',
      text: '/\\n|\\\\u\\{/.test',
      becomes: '/\\n/.test',
      caughtBy: unit('harness/results'),
    },
    'a result may be of next week': {
      file: 'harness/tools/results/results.ts',
      text: 'at <= now.getTime()',
      becomes: 'at > 0',
      caughtBy: unit('harness/results'),
    },
    'a result may be of kernels of another history': {
      file: 'harness/tools/results/results.ts',
      text: 'isAncestor().status === 0',
      becomes: 'true',
      caughtBy: unit('harness/results'),
    },
    'a result replaces one of another commit': {
      file: 'harness/tools/results/results.ts',
      text: 'JSON.stringify([adapter, runtime, commit, network, batch])',
      becomes: 'JSON.stringify([adapter, runtime, network, batch])',
      caughtBy: unit('harness/results'),
    },
    'a file may change on its way': {
      file: 'harness/bench/read.ts',
      text: 'if (damage) throw refuse(damage);',
      becomes: '',
      caughtBy: unit('harness/results'),
    },
  },
  'weights format': {
    'a checksum without the last byte': {
      file: 'src/weights/checksum.ts',
      text: 'file.subarray(END));',
      becomes: 'file.subarray(END, -1));',
      caughtBy: unit('weights/checksum'),
    },
    'a checksum is not compared': {
      file: 'src/weights/checksum.ts',
      text: 'if (inPlace && stored === now) return;',
      becomes: 'if (inPlace) return;',
      caughtBy: unit('weights/checksum'),
    },
    'a file without its checksum': {
      file: 'src/weights/file.ts',
      text: 'if (crc32 === undefined) {',
      becomes: 'if (crc32 === null) {',
      caughtBy: unit('weights/checksum'),
    },
    'tensors may leave gaps': {
      file: 'src/weights/safetensors.ts',
      text: 'if (begin !== covered) {',
      becomes: 'if (begin < covered) {',
      caughtBy: unit('weights/safetensors'),
    },
    'a large packed file is not said to be one': {
      file: 'src/weights/safetensors.ts',
      text: 'refuse(`is not a safetensors file, or is damaged: its header',
      becomes: 'throw new Error(`is damaged: its header',
      caughtBy: unit('weights/safetensors'),
    },
    "PyTorch's kernels are not transposed": {
      file: 'src/weights/layout.ts',
      text: '(o * inputs + i) * area + at)',
      becomes: '(at * inputs + i) * outputs + o)',
      caughtBy: unit('weights/pytorch'),
    },
    'a config that is not that of the file': {
      file: 'src/weights/model.ts',
      text: 'if (key === undefined) return;',
      becomes: "if (key !== 'kernelSize') return;",
      caughtBy: unit('weights/pytorch'),
    },
    'a config that does not fit is the fault of the file': {
      file: 'src/weights/match.ts',
      text: "fits ? 'data' : misfit",
      becomes: "'data'",
      caughtBy: unit('weights/pytorch'),
    },
    'a tensor that no network knows': {
      file: 'src/weights/match.ts',
      text: 'if (known.has(name)) continue;',
      becomes: 'if (name) continue;',
      caughtBy: unit('weights/match'),
    },
  },
  onnx: {
    'a file does not say what its network was trained on': {
      file: 'src/onnx/index.ts',
      text: '      ...dataField(data),\n',
      becomes: '',
      caughtBy: unit('onnx/export'),
    },
    'an image is not told the class': {
      file: 'src/onnx/network.ts',
      text: 'if (classes > 0) {\n    const rows',
      becomes: 'if (classes > 99) {\n    const rows',
      caughtBy: unit('onnx/export'),
    },
    'frequencies are a little lower': {
      file: 'src/onnx/network.ts',
      text: '100 ** (k / (FREQUENCIES - 1))',
      becomes: '100 ** (k / FREQUENCIES)',
      caughtBy: unit('onnx/export'),
    },
    'a residual is left out': {
      file: 'src/onnx/network.ts',
      text: 'return residual ?',
      becomes: 'return residual && !bias ?',
      caughtBy: unit('onnx/export'),
    },
    'a skip connection comes from another level': {
      file: 'src/onnx/network.ts',
      text: '[larger, skips.pop()!]',
      becomes: '[larger, larger]',
      caughtBy: unit('onnx/export'),
    },
  },
  checkpoint: {
    'the step at which averaging begins is forgotten': {
      file: 'src/weights/fields.ts',
      text: "{ averageAfter: integer(averageAfter, 'training.averageAfter', wrong, 1, 2 ** 31 - 1) }",
      becomes: '{}',
      caughtBy: unit('weights/checkpoint'),
    },
    'the second moments are the first': {
      file: 'src/weights/checkpoint.ts',
      text: "moment2: pickTensors(file, 'moment2.', parameters)",
      becomes: "moment2: pickTensors(file, 'moment1.', parameters)",
      caughtBy: unit('weights/checkpoint'),
    },
    'losses of steps under way are 0': {
      file: 'src/weights/checkpoint.ts',
      text: 'losses.set(recent, length);',
      becomes: '',
      caughtBy: unit('weights/checkpoint'),
    },
    'a run that has diverged replaces one that is of use': {
      file: 'src/weights/file.ts',
      text: 'if (!problem) continue;',
      becomes: 'if (name) continue;',
      caughtBy: unit('weights/checkpoint'),
    },
    'another adapter keeps the variants': {
      file: 'src/weights/checkpoint.ts',
      text: 'before === adapterName(adapter) ?',
      becomes: 'before !== undefined ?',
      caughtBy: unit('weights/checkpoint'),
    },
    'images that were held out are forgotten': {
      file: 'src/weights/fields.ts',
      text: "...(holdout === undefined ? {} : { holdout: integer(holdout, 'settings.holdout', wrong, 1, 2 ** 31) }),",
      becomes: '',
      caughtBy: unit('weights/checkpoint'),
    },
  },
  'random numbers': {
    'an epoch is shuffled like the one before': {
      file: 'src/base/random.ts',
      text: 'threefry(seed, STREAM.shuffle, epoch, i)',
      becomes: 'threefry(seed, STREAM.shuffle, 0, i)',
      caughtBy: unit('random'),
    },
  },
  images: {
    'gzip may promise anything': {
      file: 'src/data/gzip.ts',
      text: 'if (this.promised > most) {',
      becomes: 'if (this.promised < 0) {',
      caughtBy: unit('data/idx'),
    },
  },
  "the user's own images": {
    'a picture that cannot be decoded shifts the labels of those after it': {
      file: 'harness/pictures/own_images.ts',
      text: 'labelsFor(read.map(({ file }) => classOf(file)))',
      becomes: 'labelsFor([...heads.keys()].map(classOf))',
      caughtBy: unit('harness/own_images'),
    },
    'pictures take as much memory as squares of their shorter side': {
      file: 'harness/pictures/own_images.ts',
      text: 'const bytes = count * width * height * 3;',
      becomes: 'const bytes = count * Math.min(width, height) ** 2 * 3;',
      caughtBy: unit('harness/own_images'),
    },
    'the middle of an odd difference is half a pixel off': {
      file: 'harness/pictures/small_pictures.ts',
      text: 'x: (pixels.width - kept.width) / 2, y:',
      becomes: 'x: Math.floor((pixels.width - kept.width) / 2), y:',
      caughtBy: unit('harness/own_images'),
    },
    'one transparent picture decides the ink of a grey set': {
      file: 'harness/pictures/small_pictures.ts',
      text: 'channels === 3 && clear.length > 0 ?',
      becomes: 'clear.length > 0 ?',
      caughtBy: unit('harness/own_images'),
    },
    'dark ink turns colours': {
      file: 'harness/pictures/own_images.ts',
      text: "const images = ink === 'dark' && set.channels === 1 ?",
      becomes: "const images = ink === 'dark' ?",
      caughtBy: unit('harness/own_images'),
    },
    'labels of other names belong to images in any order': {
      file: 'harness/pictures/own_images.ts',
      text: 'const others = once.filter(({ path }) => LABELS.test(path)).sort(trainingFirst);',
      becomes: 'const others = once.filter(({ path }) => LABELS.test(path));',
      caughtBy: unit('harness/own_images'),
    },
    'a link to a folder is a file': {
      file: 'harness/cli/images.ts',
      text: 'entry.isSymbolicLink() ? await stat(own.source).catch(() => entry) : entry;',
      becomes: 'entry;',
      caughtBy: unit('harness/own_images'),
    },
    'links are followed in a circle': {
      file: 'harness/cli/images.ts',
      text: 'if (above.includes(real))',
      becomes: 'if (above.length > 40)',
      caughtBy: unit('harness/own_images'),
    },
    'a class that has a name and no images is none': {
      file: 'harness/cli/train_plan.ts',
      text: 'labels ? (classNames?.length ?? 1 +',
      becomes: 'labels ? (1 +',
      caughtBy: unit('harness/own_images'),
    },
    'of names that differ by capitals the last one counts': {
      file: 'harness/pictures/class_names.ts',
      text: '[inParts(name).toLowerCase(), label] as const).toReversed());',
      becomes: '[inParts(name).toLowerCase(), label] as const));',
      caughtBy: unit('harness/class_names'),
    },
  },
  'what is typed': {
    'a flag that shares two letters is meant': {
      file: 'harness/cli/args.ts',
      text: 'Math.min(2, given.length / 2)',
      becomes: 'given.length - 2',
      caughtBy: unit('harness/args'),
    },
    'a size is not asked of the network': {
      file: 'harness/cli/train_plan.ts',
      text: 'given.size % halved > 0',
      becomes: 'given.size % halved < 0',
      caughtBy: unit('harness/own_images'),
    },
  },
  quality: {
    'every 250 samples have the same noise': {
      file: 'harness/cli/measure_quality.ts',
      text: 'seed: seed + done, signal',
      becomes: 'seed, signal',
      caughtBy: unit('harness/measure_quality'),
    },
    'each tenth of a card is the first': {
      file: 'harness/cli/measure_quality.ts',
      text: '[i * count, (i + 1) * count]',
      becomes: '[0, count]',
      caughtBy: unit('harness/measure_quality'),
    },
    'digits that the classifier has learnt from count as held out': {
      file: 'src/quality/accepted.ts',
      text: 'firstHeldOut = 9000',
      becomes: 'firstHeldOut = 8900',
      caughtBy: unit('quality/quality'),
    },
    'the fourth neighbour': {
      file: 'src/quality/neighbours.ts',
      text: 'reach[i] = nearest[k];',
      becomes: 'reach[i] = nearest[k - 1];',
      caughtBy: unit('quality/neighbours'),
    },
    'the edge of a ball is outside': {
      file: 'src/quality/neighbours.ts',
      text: 'if (distance <= real.reach[j]) inside = true;',
      becomes: 'if (distance < real.reach[j]) inside = true;',
      caughtBy: unit('quality/neighbours'),
    },
    'variances over all points': {
      file: 'src/quality/frechet.ts',
      text: '/= count - 1;',
      becomes: '/= count;',
      caughtBy: unit('quality/frechet'),
    },
    'the larger of two angles': {
      file: 'src/quality/eigen.ts',
      text: '(theta < 0 ? -1 : 1) /',
      becomes: '-(theta < 0 ? -1 : 1) /',
      caughtBy: unit('quality/eigen'),
    },
  },
  'copies of a run': {
    'a time limit stays after the answer': {
      file: 'src/base/time.ts',
      text: 'race([work, late]);\n  } finally {\n    clearTimeout(timer);',
      becomes: 'race([work, late]);\n  } finally {',
      caughtBy: unit('keeping/store', 'leaves no timer'),
    },
    'of two copies of one step the older one counts': {
      file: 'src/keeping/slots.ts',
      text: 'a.savedAt > b.savedAt',
      becomes: 'a.savedAt < b.savedAt',
      caughtBy: unit('keeping/slots'),
    },
  },
  'folder of a run': {
    'a dead lock is replaced without a second look': {
      file: 'harness/cli/lock.ts',
      text: 'if (read(path) === there) return renameSync(next, path);',
      becomes: 'return renameSync(next, path);',
      caughtBy: unit('harness/lock'),
    },
    'who was killed while it took over is waited for': {
      file: 'harness/cli/lock.ts',
      text: 'Date.now() - made > ABANDONED_MS',
      becomes: 'made > Date.now()',
      caughtBy: unit('harness/lock', 'while it took over'),
    },
    'a process on another machine is dead': {
      file: 'harness/cli/lock.ts',
      text: 'if (holder.host !== hostname()) return true;',
      becomes: 'if (holder.host !== hostname()) return false;',
      caughtBy: unit('harness/lock'),
    },
    'another process of the same number': {
      file: 'harness/cli/lock.ts',
      text: "birth === '' || birth === holder.birth",
      becomes: "birth !== 'x'",
      caughtBy: unit('harness/lock'),
    },
    'a lock that is released is still removed at the end': {
      file: 'harness/cli/lock.ts',
      text: "process.off('exit', release);",
      becomes: '',
      caughtBy: unit('harness/lock', 'may when that is done'),
    },
    'a run that is given up leaves its sampler': {
      file: 'harness/cli/training.ts',
      text: 'this.history?.destroy();',
      becomes: '',
      caughtBy: node('node/at_size', 'train begins again'),
    },
    'a copy is distilled into a folder that another has taken': {
      file: 'harness/cli/commands/distil.ts',
      text: '        lock.check();\n',
      becomes: '',
      caughtBy: node('node/distil_command', 'another process has taken'),
    },
    "another's lock is removed": {
      file: 'harness/cli/lock.ts',
      text: 'if (read(path) === own) rmSync(path);',
      becomes: 'rmSync(path);',
      caughtBy: unit('harness/lock'),
    },
    'a zombie writes': {
      file: 'harness/cli/alive.ts',
      text: "fields[0] === 'Z' ?",
      becomes: "fields[0] === '-' ?",
      caughtBy: unit('harness/lock'),
    },
  },
};
