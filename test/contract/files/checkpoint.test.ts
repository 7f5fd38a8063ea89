/** Models and checkpoints: what is saved comes back, and what is wrong is refused by its name. */
import { describe, expect, test } from 'vitest';
import { hashOfNumbers } from '../../../src/base/hash';
import { adapterName, describeAdapter } from '../../../src/gpu/adapter';
import {
  loadCheckpoint,
  saveCheckpoint,
  variantsForAdapter,
  withSettings,
} from '../../../src/weights/checkpoint';
import { seal } from '../../../src/weights/checksum';
import { encodeSafetensors } from '../../../src/weights/encode';
import { assertSameData, fingerprintImages } from '../../../src/weights/fingerprint';
import { loadModel } from '../../../src/weights/model';
import { decodeSafetensors } from '../../../src/weights/safetensors';
import { saveModel } from '../../../src/weights/save_model';
import { withoutChecksum } from '../../commands/fuzz/formats';
import { refused } from '../../lib/refused';
import {
  adapter,
  allLosses,
  checkpoint,
  config,
  data,
  images,
  model,
  parameters,
  settings,
  snapshotOf,
  state,
  trainer,
  unet,
  weights,
} from '../../lib/small_files';

const run = { trainer, settings, data, losses: allLosses };
/** As `run`, of a trainer whose snapshot is another. */
const runOf = (changes: Parameters<typeof snapshotOf>[0]) => ({
  ...run,
  trainer: { ...trainer, ...snapshotOf(changes) },
});
const training = {
  objective: 'flow',
  schedule: { decay: 'cosine', warmup: 2, steps: 9, floor: 0.5 },
  clipNorm: 2,
  classDropout: 0.25,
};
const named = fingerprintImages({ ...images, name: 'pets', classNames: ['cat', 'dog, "small"', '\u202e'] });
const sampling = {
  ...({ method: 'adams', steps: 4, guidance: 1.5, guidanceRange: [0.25, 1] } as const),
  shift: 1.5,
  polish: { noises: 4, level: 0.2 },
};

type Tensors = ReturnType<typeof decodeSafetensors>['tensors'];
/** The checkpoint with other metadata, as text or what becomes JSON, or other tensors, as if it had been saved so. */
function altered(metadata: Record<string, unknown>, change: (tensors: Tensors) => void = () => {}) {
  const file = decodeSafetensors(checkpoint);
  change(file.tensors);
  const merged = Object.entries({ ...file.metadata, ...metadata })
    .filter(([_, value]) => value !== undefined)
    .map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]);
  const list = [...file.tensors].map(([name, tensor]) => ({ name, ...tensor }));
  const bytes = encodeSafetensors(list, Object.fromEntries(merged));
  seal(bytes);
  return bytes;
}

describe('files of models and checkpoints', () => {
  test('round-trip all that was saved, and a checkpoint is a model, too', () => {
    expect(loadModel(model)).toEqual({ config, objective: 'tutorial', parameters: weights });
    expect(loadModel(checkpoint)).toEqual({ config, objective: 'flow', parameters: weights, data });
    expect(loadCheckpoint(checkpoint)).toEqual({
      config,
      parameters: weights,
      settings,
      data,
      state,
      training,
      losses: allLosses,
      variants: trainer.variants,
      objective: 'flow',
      adapter: 'acme one',
    });
  });

  test.each([{ data: named }, { sampling }])(
    'round-trip %j, given to the call or with the network',
    async (more) => {
      expect(loadModel(await saveModel(unet, more))).toMatchObject(more);
      expect(loadModel(await saveModel({ ...unet, ...more }))).toMatchObject(more);
      const ofNetwork = { ...run, trainer: { ...trainer, unet: { ...unet, ...more } } };
      const files = [await saveCheckpoint({ ...run, ...more })];
      if ('sampling' in more) files.push(await saveCheckpoint(ofNetwork));
      for (const file of files) {
        expect(loadCheckpoint(file)).toMatchObject(more);
        expect(loadModel(file)).toMatchObject(more);
      }
    },
  );

  test('of data adds one text to the metadata of a model, so that older versions open it', async () => {
    const [before, now] = [await saveModel(unet), await saveModel(unet, { data: named })].map((file) => {
      const { metadata, tensors } = decodeSafetensors(file, 'a model');
      return { metadata: { ...metadata, crc32: '' }, tensors };
    });
    expect(now).toEqual({ ...before, metadata: { ...before.metadata, data: JSON.stringify(named) } });
  });

  test('of a distilled model is its sampling and the fingerprint of its teacher', async () => {
    const sampling = { method: 'euler', steps: 2, guidance: 1, calls: 2 } as const;
    const teacher = hashOfNumbers(...weights.values());
    expect(teacher).toMatch(/^[0-9a-f]{8}$/);
    expect(hashOfNumbers(...[...weights.values()].map((values) => values.map((v) => v + 1)))).not.toBe(
      teacher,
    );
    const distilled = { ...unet, sampling, teacher };
    expect(loadModel(await saveModel(distilled))).toMatchObject({ sampling, teacher });
    // Sampled otherwise it is not distilled.
    const other = await saveModel(distilled, { sampling: { method: 'euler', steps: 9 } });
    expect(loadModel(other)).not.toHaveProperty('teacher');
    const wrong = 'teacher is "me"; it must be a fingerprint of weights';
    await expect(saveModel({ ...distilled, teacher: 'me' })).rejects.toThrow(wrong);
    expect(() => loadModel(altered({ teacher: 'me' }))).toThrow('teacher in its metadata is "me"');
  });

  test('of averaged weights are their settings', async () => {
    const average = { after: 3, span: 11, most: 0.25 };
    const { trainer } = runOf({ state: { ...state, weights } as typeof state });
    const saved = await saveCheckpoint({
      ...run,
      trainer: { ...trainer, config: { ...trainer.config, average } },
    });
    expect(loadCheckpoint(saved).training).toMatchObject({ average });
    const names = { averageWeights: true, averageAfter: 3, averageSpan: 11, averageMost: 0.25 };
    expect(JSON.parse(decodeSafetensors(saved).metadata.training)).toMatchObject(names);
  });

  test('of a run are all its settings', async () => {
    const all = { ...settings, dropLast: true, holdout: 2, maxSteps: 5 };
    expect(loadCheckpoint(await saveCheckpoint({ ...run, settings: all })).settings).toEqual(all);
  });

  test('with other settings of its run, or another schedule, is the same otherwise', () => {
    const changed = { ...settings, learningRate: 0.5, maxSteps: 5 };
    const schedule = { decay: 'none', warmup: 4 } as const;
    const before = loadCheckpoint(checkpoint);
    for (const file of [checkpoint, withoutChecksum(checkpoint) as typeof checkpoint]) {
      expect(loadCheckpoint(withSettings(file, changed))).toEqual({ ...before, settings: changed });
      const other = loadCheckpoint(withSettings(file, settings, schedule));
      expect(other).toEqual({ ...before, training: { ...before.training, schedule } });
    }
    expect(withSettings(checkpoint, settings)).toEqual(checkpoint);
  });

  test('of the same state are the same bytes, with losses from the GPU for steps under way', async () => {
    expect(await saveCheckpoint(run)).toEqual(checkpoint);
    expect(await saveCheckpoint({ ...run, losses: allLosses.slice(0, 1) })).toEqual(checkpoint);
  });
});

test('the tensors of a checkpoint have the documented names, shapes and order', () => {
  const { tensors, metadata } = decodeSafetensors(checkpoint);
  const names = parameters.map(({ name }) => name);
  const moments = ['moment1', 'moment2'].flatMap((moment) => names.map((name) => `${moment}.${name}`));
  expect([...tensors.keys()]).toEqual([...names, ...moments, 'optimizer.corrections', 'losses']);
  expect(tensors.get('down.1.kernel')!.shape).toEqual([3, 3, 2, 3]);
  expect(tensors.get('moment2.down.1.bias')!.shape).toEqual([3]);
  expect(metadata).toMatchObject({ format: 'webgpu-diffusion', version: '2', kind: 'checkpoint', step: '3' });
  expect(Object.keys(metadata)[0]).toBe('crc32');
});

test('a checkpoint’s kernel variants are used on the adapter that it names, and on no other', () => {
  const loaded = loadCheckpoint(checkpoint);
  expect(variantsForAdapter(adapter, loaded)).toEqual(trainer.variants);
  expect(variantsForAdapter({ ...adapter, description: 'Acme One, driver 7' }, loaded)).toBeUndefined();
  // Two without a name may be two.
  const nameless = describeAdapter(undefined);
  expect(variantsForAdapter(nameless, { ...loaded, adapter: adapterName(nameless) })).toBeUndefined();
});

describe('files of other versions', () => {
  const { limit, source, binarize, ...needed } = settings;
  // Names that objects have anyway.
  const odd = JSON.parse('{"conv2d/down.0":"constructor","toString/up.0":"name","__proto__":"valueOf"}');
  const later = { ...sampling, order: 3, polish: { ...sampling.polish, mean: 'median' } };
  test.each<[Record<string, unknown>, object]>([
    [{ variants: odd }, { variants: odd }],
    [{ sampling: later }, { sampling }],
    [{ settings: needed }, { settings: needed }],
  ])('load with %j', (metadata, expected) => {
    expect(loadCheckpoint(altered(metadata))).toEqual({ ...loadCheckpoint(checkpoint), ...expected });
  });
});

describe('saving refuses', () => {
  test('losses that do not fit the steps', async () => {
    const losses = new Float32Array(4);
    await refused(() => saveCheckpoint({ ...run, losses }), 'argument', '4 losses', '3 steps');
    // As many as a trainer keeps, and what it has of them.
    const asked: number[] = [];
    const readLosses = async (count = 1) => {
      asked.push(count);
      return new Float32Array(1000);
    };
    const long = { ...runOf({ state: { ...state, step: 2000 }, readLosses }), losses: new Float32Array(10) };
    const facts = ['10 losses were given for 2000 steps', 'the last 1000', 'the first 1000'];
    await refused(() => saveCheckpoint(long), 'argument', ...facts);
    expect(asked).toEqual([1024]);
  });

  const broken = new Map(weights).set('up.0.bias', Float32Array.of(0, NaN));
  test.each<[string, Parameters<typeof snapshotOf>[0], number[]?]>([
    ['up.0.bias', { parameters: broken }],
    ['moment1.up.0.bias', { state: { ...state, moment1: broken } }],
    ['moment2.up.0.bias', { state: { ...state, moment2: broken } }],
    ['optimizer.corrections', { state: { ...state, corrections: Float32Array.of(NaN, 0) } }],
    ['losses', {}, [0.3, Infinity, 0.1]],
  ])('a run that has diverged, so that it replaces no good file: %s', async (name, changes, losses) => {
    const wrong = { ...runOf(changes), losses: losses ?? allLosses };
    const facts = ['After step 3', 'not finite', 'learning rate'];
    await refused(() => saveCheckpoint(wrong), 'diverged', name, ...facts);
  });

  test('a model that is not finite', async () => {
    const wrong = { ...unet, getParameters: async () => broken };
    await refused(() => saveModel(wrong), 'diverged', 'up.0.bias is not finite: value 1 of 2 is NaN');
  });

  test('sampling that is not legal', async () => {
    const wrong = { sampling: { ...sampling, steps: 0 } };
    const fact = 'sampling.steps is 0; it must be a whole number from 1 to 1000.';
    await refused(() => saveModel(unet, wrong), 'argument', fact);
    await refused(() => saveCheckpoint({ ...run, ...wrong }), 'argument', fact);
  });
});

test.each<[string, string, unknown, string]>([
  ['settings', 'seed', undefined, 'missing'],
  ['settings', 'seed', -1, '-1'],
  ['settings', 'batchSize', 4.5, '4.5'],
  ['settings', 'learningRate', '0.01', '"0.01"'],
  ['settings', 'learningRate', Infinity, 'Infinity'],
  ['settings', 'learningRate', 0, '0'],
  ['settings', 'epochs', 0, '0'],
  ['settings', 'epochs', Infinity, 'Infinity'],
  ['settings', 'limit', 0, '0'],
  ['settings', 'binarize', 'no', '"no"'],
  ['settings', 'dropLast', 1, '1'],
  ['settings', 'source', 7, '7'],
  ['data', 'count', 0, '0'],
  ['data', 'fnv1a', undefined, 'missing'],
  ['data', 'name', 7, '7; it must be a string'],
  ['data', 'classNames', 'cat', '"cat"'],
  ['data', 'classNames', ['cat', 1], '["cat",1]'],
  ['data', 'classNames', new Array(257).fill(''), '["",'],
])('saving and loading refuse %s.%s %j', async (what, key, value, shown) => {
  const changed = { ...run[what as 'settings'], [key]: value };
  const snapshot = async () => {
    throw new Error('the state is read before the settings are checked');
  };
  const wrong = { ...run, trainer: { ...trainer, snapshot }, [what]: changed };
  await refused(() => saveCheckpoint(wrong), 'argument', `${what}.${key} is ${shown}`, 'it must be');
  const file = altered({ [what]: changed });
  await refused(() => loadCheckpoint(file, 'the/file'), 'data', 'the/file', `${what}.${key} in its metadata`);
  if (what === 'data') {
    await refused(() => saveModel(unet, { data: changed as unknown as typeof data }), 'argument', key);
    await refused(() => loadModel(file), 'data', `data.${key} in its metadata`);
  }
});

describe('loading refuses', () => {
  test.each<[Record<string, unknown>, ...(string | number)[]]>([
    [{ format: 'pt' }, '"pt"'],
    [{ version: '3' }, 'version "3"', 'reads 2 and 1'],
    [{ config: undefined }, 'no config'],
    [{ config: '{' }, 'config', 'not JSON'],
    [{ config: [1] }, 'config'],
    [{ config: { depth: 3 } }, 'no setting depth'],
    [{ config: { kernelSize: 4 } }, 'kernelSize is 4', 'odd'],
    [
      { config: { height: 4, width: 4, widths: [2, 4], kernelSize: 3 } },
      'down.1.kernel',
      '[3, 3, 2, 3]',
      '[3, 3, 2, 4]',
    ],
    [{ step: undefined }, 'no step'],
    [{ step: '"3"' }, 'step', 'is "3";'],
    [{ step: '-1' }, 'step', -1],
    [{ step: '4' }, 'losses', '[3]', '[4]'],
    [{ settings: null }, 'settings', 'null'],
    [{ adam: [] }, 'adam', 'an object'],
    [{ adam: undefined }, 'no adam'],
    [{ training: undefined }, 'no training'],
    [{ adam: { beta1: 0.9, epsilon: 1e-7 } }, 'adam.beta2', 'missing'],
    [{ training: { objective: 'noise' } }, 'training.objective', '"noise"', 'tutorial or flow'],
    [{ training: { schedule: { decay: 'cosine' } } }, 'training', 'schedule.steps is missing'],
    [{ training: { averageSpan: 'far' } }, 'training.averageSpan', '"far"'],
    [{ training: { clipNorm: 'one' } }, 'training.clipNorm', '"one"'],
    [{ training: [] }, 'training', '[]', 'an object'],
    [{ variants: { 'conv2d/down.0': 1 } }, 'conv2d/down.0'],
    [{ sampling: '"euler"' }, 'sampling', '"euler"', 'an object'],
    [{ sampling: { method: 'ode', steps: 4 } }, 'sampling.method', '"ode"'],
    [{ sampling: { method: 'euler', steps: 0.5 } }, 'sampling.steps', '0.5'],
    [{ sampling: { ...sampling, polish: { level: 0.2 } } }, 'sampling.polish', '1 to 64 noises'],
    [{ sampling: { ...sampling, guidanceRange: [1, 0] } }, 'sampling.guidanceRange', 'low < high'],
    [{ sampling: { ...sampling, shift: 4.5 } }, 'sampling.shift', '4.5', '1 to 4'],
    [{ sampling: { method: 'euler', steps: 4, calls: 2 } }, 'as many steps as calls'],
  ])('metadata %j', async (metadata, ...facts) => {
    await refused(() => loadCheckpoint(altered(metadata), 'the/file'), 'data', 'the/file', ...facts);
  });

  const one = (value: number) => ({ shape: [1], data: Float32Array.of(value) });
  const reshaped = (name: string, ...shape: number[]) => {
    const data = new Float32Array(shape.reduce((size, n) => size * n));
    return altered({}, (t) => t.set(name, { shape, data }));
  };
  test.each<[string, Uint8Array, ...string[]]>([
    ['a model', model, 'is a "model"', 'no optimizer state'],
    ['a file of another program', encodeSafetensors([]), 'not saved by webgpu-diffusion', 'none'],
    [
      ...(['a missing tensor', altered({}, (t) => t.delete('moment1.up.1.bias'))] as const),
      'moment1.up.1.bias [1] is missing',
      '26 tensors expected, 25 given',
    ],
    ['one more', altered({}, (t) => t.set('more', one(0))), '"more" [1] is not known'],
    [
      'another kernel size',
      reshaped('down.1.kernel', 1, 1, 2, 3),
      'has shape [1, 1, 2, 3], expected [3, 3, 2, 3]',
      'kernel size',
    ],
    ['the order of PyTorch', reshaped('down.1.kernel', 3, 2, 3, 3), '[3, 2, 3, 3]', 'height, width, in, out'],
    ['one dimension more', reshaped('down.1.bias', 1, 3), '[1, 3], expected [3]'],
    [
      'whole numbers',
      altered({}, (t) => t.set('down.1.bias', { shape: [3], data: new Uint32Array(3) })),
      'is U32, expected F32',
    ],
    [
      'all of them others',
      altered({}, (t) => {
        for (const name of [...t.keys()]) if (name !== 'losses') t.delete(name);
      }),
      '25 wrong:\n  ',
      '\n  and 17 more\n',
      'Build the network',
    ],
    [
      'one that is not finite',
      altered({}, (t) => t.set('down.1.bias', { shape: [3], data: Float32Array.of(0, -Infinity, NaN) })),
      'down.1.bias is not finite: value 1 of 3 is -Infinity',
      'diverged',
    ],
    ['a file cut short', checkpoint.subarray(0, checkpoint.length - 4), 'cut short'],
  ])('%s', async (_, bytes, ...facts) => {
    await refused(() => loadCheckpoint(bytes, 'the/file'), 'data', 'the/file', ...facts);
  });

  const long = 'x'.repeat(10_000);
  const json = new TextEncoder().encode('12345678{"a":\x1b]0;title\x07');
  new DataView(json.buffer).setBigUint64(0, BigInt(json.length - 8), true);
  test.each<[string, Uint8Array]>([
    ['no setting "\\u001b[2J"', altered({ config: '{"\\u001b[2J":1}' })],
    ['xxx…', altered({ config: { [long]: 1 } })],
    ['height is "\\u{9b}2J"', altered({ config: { height: '\x9b2J' } })],
    ['width is "\\u{202e}gnp"', altered({ config: { width: '\u202egnp' } })],
    ['height is "xxx', altered({ config: { height: long } })],
    ['widths is "xxx', altered({ config: { widths: long } })],
    ['height is {"toString":1}', altered({ config: { height: { toString: 1 } } })],
    ['\\u{1b}]0;title', json],
  ])('with nothing raw in the error: %s', async (fact, bytes) => {
    await refused(() => loadCheckpoint(bytes, 'the/file'), 'data', 'the/file', fact);
    expect(() => loadCheckpoint(bytes)).not.toThrow(/[^\P{Cc}\n]|\p{Cf}|.{600}/u);
  });

  test('a model without its tensors', async () => {
    const other = encodeSafetensors([], { format: 'webgpu-diffusion', version: '1', config: '{}' });
    await refused(() => loadModel(other, 'the/file'), 'data', 'the/file', 'down.0.kernel', 'missing');
  });
});

describe('the fingerprint of images', () => {
  test('is FNV-1a of the bytes', () => {
    const text = (s: string) => ({ ...images, images: new TextEncoder().encode(s) });
    // Published vectors.
    expect(['', 'a', 'foobar'].map((s) => fingerprintImages(text(s)).fnv1a)).toEqual([
      '811c9dc5',
      'e40c292c',
      'bf9cf968',
    ]);
  });

  const labels = Uint8Array.of(1, 2, 3, 4, 5, 6);
  const labelled = fingerprintImages({ ...images, labels });
  test.each<[string, typeof data, typeof data]>([
    ['the same images', data, fingerprintImages({ ...images })],
    ['other names', named, data],
    ['no labels', labelled, data],
    ['the same labels', labelled, fingerprintImages({ ...images, labels: labels.slice() })],
  ])('takes %s', (_, known, given) => {
    expect(assertSameData(known, given)).toBeUndefined();
  });

  const other = { ...images, images: images.images.with(17, 1) };
  const long = (end: string) => ({ ...data, fnv1a: `${'x'.repeat(10_000)}${end}` });
  test.each<[string, typeof data, typeof data, ...string[]]>([
    ['other images', data, fingerprintImages(other), data.fnv1a, 'same images'],
    ['another count', data, { ...data, count: 5 }, '6 images', 'has 5 images'],
    [
      'other labels',
      labelled,
      fingerprintImages({ ...images, labels: labels.toReversed() }),
      labelled.labels!,
    ],
    ['one of 10 KB, of which it shows a part', long('a'), long('b'), 'xxx…'],
  ])('refuses %s', async (_, known, given, ...facts) => {
    await refused(() => assertSameData(known, given), 'data', ...facts);
  });
});
