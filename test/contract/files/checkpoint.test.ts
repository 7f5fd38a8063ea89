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

test('saveModel and loadModel give back config, objective and weights', () => {
  expect(loadModel(model)).toEqual({ config, objective: 'tutorial', parameters: weights });
});

test('a saved checkpoint loads whole, and also as a model', () => {
  const loaded = loadCheckpoint(checkpoint);
  expect(loaded).toEqual({
    config,
    parameters: weights,
    settings,
    data,
    variants: trainer.variants,
    objective: 'flow',
    training: {
      objective: 'flow',
      schedule: { decay: 'cosine', warmup: 2, steps: 9, floor: 0.5 },
      clipNorm: 2,
      classDropout: 0.25,
    },
    adapter: 'acme one',
    state,
    losses: allLosses,
  });
  expect(loadModel(checkpoint)).toEqual({ config, objective: 'flow', parameters: weights, data });
});

describe('the data that a network was trained on', () => {
  const named = fingerprintImages({ ...images, name: 'pets', classNames: ['cat', 'dog, "small"', '\u202e'] });

  test('comes back from a model and a checkpoint, with the names of its classes', async () => {
    expect(named).toEqual({ ...data, name: 'pets', classNames: ['cat', 'dog, "small"', '\u202e'] });
    expect(loadModel(await saveModel(unet, { data: named })).data).toEqual(named);
    expect(loadModel(await saveModel({ ...unet, data: named })).data).toEqual(named);
    const file = await saveCheckpoint({ ...run, data: named });
    expect([loadCheckpoint(file).data, loadModel(file).data]).toEqual([named, named]);
    // The same images by another name are the same images.
    assertSameData(named, data);
  });

  test('adds one string to the metadata of a model, so that older versions open it', async () => {
    const [before, now] = [await saveModel(unet), await saveModel(unet, { data: named })].map((file) => {
      const { metadata, tensors } = decodeSafetensors(file, 'a model');
      return { metadata: { ...metadata, crc32: '' }, tensors };
    });
    expect(now).toEqual({ ...before, metadata: { ...before.metadata, data: JSON.stringify(named) } });
  });

  test.each([
    [{ ...data, name: 7 }, 'data.name', 'a string'],
    [{ ...data, classNames: 'cat' }, 'data.classNames', 'at most 256 strings'],
    [{ ...data, classNames: ['cat', 1] }, 'data.classNames', 'at most 256 strings'],
    [{ ...data, classNames: new Array(257).fill('') }, 'data.classNames', 'at most 256 strings'],
  ])('is refused where it is wrong: %j', async (wrong, key, legal) => {
    await expect(saveModel(unet, { data: wrong as typeof data })).rejects.toThrow(legal);
    await expect(saveCheckpoint({ ...run, data: wrong as typeof data })).rejects.toThrow(key);
    expect(() => loadModel(altered({ data: JSON.stringify(wrong) }))).toThrow(`${key} in its metadata`);
  });
});

test('the settings of averaged weights come back from a checkpoint', async () => {
  const average = { after: 3, span: 11, most: 0.25 };
  const saved = await saveCheckpoint({
    ...run,
    trainer: {
      ...trainer,
      config: { ...trainer.config, average },
      ...snapshotOf({ state: { ...state, weights } as typeof state }),
    },
  });
  expect(loadCheckpoint(saved).training).toMatchObject({ average });
  expect(JSON.parse(decodeSafetensors(saved).metadata.training)).toMatchObject({
    averageWeights: true,
    averageAfter: 3,
    averageSpan: 11,
    averageMost: 0.25,
  });
});

describe('the sampling of a network', () => {
  const sampling = {
    ...({ method: 'adams', steps: 4, guidance: 1.5, guidanceRange: [0.25, 1] } as const),
    polish: { noises: 4, level: 0.2 },
  };

  test('comes back from a model and a checkpoint, whether given to the call or taken from the UNet', async () => {
    expect(loadModel(await saveModel(unet, { sampling })).sampling).toEqual(sampling);
    expect(loadModel(await saveModel({ ...unet, sampling })).sampling).toEqual(sampling);
    const checkpoint = await saveCheckpoint({ ...run, sampling });
    expect(loadCheckpoint(checkpoint).sampling).toEqual(sampling);
    expect(loadModel(checkpoint).sampling).toEqual(sampling);
    const trained = { ...trainer, unet: { ...unet, sampling } };
    expect(loadCheckpoint(await saveCheckpoint({ ...run, trainer: trained })).sampling).toEqual(sampling);
  });

  test('and the fingerprint of its teacher come back from a distilled model', async () => {
    const sampling = { method: 'euler', steps: 2, guidance: 1, calls: 2 } as const;
    const teacher = hashOfNumbers(...weights.values());
    expect(teacher).toMatch(/^[0-9a-f]{8}$/);
    const other = new Map([...weights].map(([name, values]) => [name, values.map((v) => v + 1)]));
    expect(hashOfNumbers(...other.values())).not.toBe(teacher);
    const distilled = { ...unet, sampling, teacher };
    expect(loadModel(await saveModel(distilled))).toMatchObject({ sampling, teacher });
    // Sampled otherwise it is not distilled.
    expect(
      loadModel(await saveModel(distilled, { sampling: { method: 'euler', steps: 9 } })),
    ).not.toHaveProperty('teacher');
    const wrong = 'teacher is "me"; it must be a fingerprint of weights';
    await expect(saveModel({ ...distilled, teacher: 'me' })).rejects.toThrow(wrong);
    expect(() => loadModel(altered({ teacher: 'me' }))).toThrow('teacher in its metadata is "me"');
  });

  test('may have settings that are not known, which are ignored', async () => {
    const later = JSON.stringify({ ...sampling, order: 3, polish: { ...sampling.polish, mean: 'median' } });
    expect(loadCheckpoint(altered({ sampling: later })).sampling).toEqual(sampling);
  });

  test('is checked before it is saved', async () => {
    const wrong = { sampling: { ...sampling, steps: 0 } };
    const message = 'sampling.steps is 0; it must be a whole number from 1 to 1000.';
    await expect(saveModel(unet, wrong)).rejects.toThrow(message);
    await expect(saveCheckpoint({ ...run, ...wrong })).rejects.toThrow(message);
  });
});

test('a checkpoint’s kernel variants are used on the adapter that it names, and on no other', () => {
  const loaded = loadCheckpoint(checkpoint);
  expect(variantsForAdapter(adapter, loaded)).toEqual(trainer.variants);
  expect(variantsForAdapter({ ...adapter, description: 'Acme One, driver 7' }, loaded)).toBeUndefined();
  // Two without a name may be two.
  const nameless = describeAdapter(undefined);
  expect(variantsForAdapter(nameless, { ...loaded, adapter: adapterName(nameless) })).toBeUndefined();
  // The first checkpoints did not say.
  expect(variantsForAdapter(adapter, { variants: trainer.variants })).toEqual(trainer.variants);
});

test('the tensors of a checkpoint have the documented names, shapes and order', () => {
  const { tensors, metadata } = decodeSafetensors(checkpoint);
  const names = parameters.map(({ name }) => name);
  expect([...tensors.keys()]).toEqual([
    ...names,
    ...names.map((name) => `moment1.${name}`),
    ...names.map((name) => `moment2.${name}`),
    'optimizer.corrections',
    'losses',
  ]);
  expect(tensors.get('down.1.kernel')!.shape).toEqual([3, 3, 2, 3]);
  expect(tensors.get('moment2.down.1.bias')!.shape).toEqual([3]);
  expect(metadata).toMatchObject({ format: 'webgpu-diffusion', version: '2', kind: 'checkpoint', step: '3' });
  expect(Object.keys(metadata)[0]).toBe('crc32');
});

test('kernel variants with names from before version 0.2.0 load with their names of today', () => {
  const before = {
    'conv2d/up.1': 'one_split',
    'conv2d_grad_kernel/up.1': 'one',
    'conv2d/down.1': 'winograd7_rows',
  };
  expect(loadCheckpoint(altered({ variants: JSON.stringify(before) })).variants).toEqual({
    'conv2d/up.1': 'one_output_gpu',
    'conv2d_grad_kernel/up.1': 'one_channel',
    'conv2d/down.1': 'winograd7_gpu',
  });
});

test('kernel variants in a file may be called constructor, toString or __proto__', () => {
  const variants = JSON.parse('{"conv2d/down.0":"constructor","toString/up.0":"name","__proto__":"valueOf"}');
  expect(loadCheckpoint(altered({ variants: JSON.stringify(variants) })).variants).toEqual(variants);
});

test('a setting that trainers no longer have, bfloat16Gradients, is ignored', () => {
  expect(loadCheckpoint(altered({ bfloat16Gradients: 'true' }))).toEqual(loadCheckpoint(checkpoint));
});

test('all settings of a run come back from a checkpoint', async () => {
  const all = { ...settings, dropLast: true, holdout: 2, maxSteps: 5 };
  const saved = await saveCheckpoint({ ...run, settings: all });
  expect(loadCheckpoint(saved).settings).toEqual(all);
});

test('a checkpoint with other settings of its run, and another schedule, is the same otherwise', () => {
  const changed = { ...settings, learningRate: 0.5, maxSteps: 5 };
  const schedule = { decay: 'none', warmup: 4 } as const;
  const before = loadCheckpoint(checkpoint);
  const training = { ...before.training, schedule };
  for (const file of [checkpoint, withoutChecksum(checkpoint) as typeof checkpoint]) {
    expect(loadCheckpoint(withSettings(file, changed))).toEqual({ ...before, settings: changed });
    expect(loadCheckpoint(withSettings(file, settings, schedule))).toEqual({ ...before, training });
  }
  expect(withSettings(checkpoint, settings)).toEqual(checkpoint);
});

test('a checkpoint without the settings of its trainer, as in the first version, loads with the defaults', () => {
  const { limit, source, binarize, ...rest } = settings;
  const before = { adam: undefined, training: undefined, settings: JSON.stringify(rest) };
  const loaded = loadCheckpoint(altered(before));
  expect(loaded.state.adam).toEqual({ beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weightDecay: 0 });
  expect(loaded.training).toEqual({
    objective: 'tutorial',
    schedule: { decay: 'none', warmup: 0 },
    classDropout: 0.05,
  });
  expect(loaded.objective).toBe('tutorial');
  expect(loaded.settings).toEqual(rest);
});

describe('saveCheckpoint', () => {
  test('makes the same bytes of the same state', async () => {
    expect(await saveCheckpoint(run)).toEqual(checkpoint);
  });

  test('reads the losses of steps that are still under way from the GPU', async () => {
    const given = allLosses.slice(0, 1);
    expect(await saveCheckpoint({ ...run, losses: given })).toEqual(checkpoint);
  });

  test('refuses more losses than steps', async () => {
    const losses = new Float32Array(4);
    await refused(() => saveCheckpoint({ ...run, losses }), 'argument', '4 losses', '3 steps');
  });

  test('refuses losses too few for it to fill in from the trainer', async () => {
    const long = { ...state, step: 2000 };
    // As many as a trainer keeps, and what it has of them.
    const asked: number[] = [];
    const readLosses = async (count = 1) => {
      asked.push(count);
      return new Float32Array(1000);
    };
    const losses = new Float32Array(10);
    await refused(
      () =>
        saveCheckpoint({
          ...run,
          trainer: { ...trainer, ...snapshotOf({ state: long, readLosses }) },
          losses,
        }),
      'argument',
      '10 losses were given for 2000 steps',
      'the last 1000',
      'the first 1000',
    );
    expect(asked).toEqual([1024]);
  });

  test('refuses a run that has diverged, so that it replaces no good file', async () => {
    const broken = new Map(weights).set('up.0.bias', Float32Array.of(0, NaN));
    const save = (changes: Parameters<typeof snapshotOf>[0], losses: ArrayLike<number> = allLosses) =>
      saveCheckpoint({ ...run, trainer: { ...trainer, ...snapshotOf(changes) }, losses });
    const facts = ['After step 3', 'not finite', 'learning rate'];
    await refused(() => save({ parameters: broken }), 'diverged', 'up.0.bias', ...facts);
    for (const name of ['moment1', 'moment2']) {
      const bad = { ...state, [name]: broken };
      await refused(() => save({ state: bad }), 'diverged', `${name}.up.0.bias`, ...facts);
    }
    const corrections = Float32Array.of(NaN, 0);
    const bad = { ...state, corrections };
    await refused(() => save({ state: bad }), 'diverged', 'optimizer.corrections', ...facts);
    await refused(() => save({}, [0.3, Infinity, 0.1]), 'diverged', 'losses', ...facts);
    await refused(
      () => saveModel({ ...unet, getParameters: async () => broken }),
      'diverged',
      'up.0.bias is not finite: value 1 of 2 is NaN',
    );
  });

  test.each<[string, string, unknown, string]>([
    ['settings', 'seed', undefined, 'missing'],
    ['settings', 'seed', -1, '-1'],
    ['settings', 'batchSize', 4.5, '4.5'],
    ['settings', 'learningRate', '0.01', '"0.01"'],
    ['settings', 'learningRate', Infinity, 'Infinity'],
    ['settings', 'epochs', 0, '0'],
    ['settings', 'epochs', Infinity, 'Infinity'],
    ['settings', 'limit', 0, '0'],
    ['settings', 'binarize', 'no', '"no"'],
    ['settings', 'dropLast', 1, '1'],
    ['settings', 'source', 7, '7'],
    ['data', 'count', 0, '0'],
    ['data', 'fnv1a', undefined, 'missing'],
  ])('refuses what loading would refuse: %s.%s', async (what, key, value, shown) => {
    const changed = { ...run[what as 'settings'], [key]: value };
    const snapshot = async () => {
      throw new Error('the state is read before the settings are checked');
    };
    const wrong = { ...run, trainer: { ...trainer, snapshot }, [what]: changed };
    await refused(() => saveCheckpoint(wrong), 'argument', `${what}.${key} is ${shown}; it must be`);
    await refused(
      () => loadCheckpoint(altered({ [what]: JSON.stringify(changed) })),
      'data',
      `${what}.${key}`,
    );
  });
});

/** The checkpoint with other metadata or tensors, as if it had been saved so. */
function altered(
  metadata: Record<string, string | undefined>,
  change: (tensors: ReturnType<typeof decodeSafetensors>['tensors']) => void = () => {},
): Uint8Array {
  const file = decodeSafetensors(checkpoint);
  change(file.tensors);
  const merged = Object.entries({ ...file.metadata, ...metadata }).filter(([, value]) => value !== undefined);
  const list = [...file.tensors].map(([name, tensor]) => ({ name, ...tensor }));
  const bytes = encodeSafetensors(list, Object.fromEntries(merged) as Record<string, string>);
  seal(bytes);
  return bytes;
}

describe('a refused file', () => {
  test.each<[string, Record<string, string | undefined>, ...(string | number)[]]>([
    ['another format', { format: 'pt' }, '"pt"'],
    ['a later version', { version: '3' }, 'version "3"', 'reads 2 and 1'],
    ['no config', { config: undefined }, 'no config'],
    ['config is not JSON', { config: '{' }, 'config', 'not JSON'],
    ['config is a list', { config: '[1]' }, 'config'],
    ['config of another kind', { config: '{"depth":3}' }, 'no setting depth'],
    ['config out of range', { config: '{"kernelSize":4}' }, 'kernelSize is 4', 'odd'],
    [
      'config of another network',
      { config: '{"height":4,"width":4,"widths":[2,4],"kernelSize":3}' },
      'down.1.kernel',
      '[3, 3, 2, 3]',
      '[3, 3, 2, 4]',
    ],
    ['no step', { step: undefined }, 'no step'],
    ['step is not a number', { step: '"3"' }, 'step', 'is "3";'],
    ['step is negative', { step: '-1' }, 'step', -1],
    ['step does not fit the losses', { step: '4' }, 'losses', '[3]', '[4]'],
    ['no seed', { settings: '{"batchSize":1,"learningRate":1,"epochs":1}' }, 'settings.seed', 'missing'],
    ['settings are null', { settings: 'null' }, 'settings', 'null'],
    ['learning rate 0', { settings: '{"learningRate":0}' }, 'settings.learningRate', 'above 0'],
    [
      'binarize is a word',
      { settings: JSON.stringify({ ...settings, binarize: 'no' }) },
      'settings.binarize',
      '"no"',
    ],
    ['adam is a list', { adam: '[]' }, 'adam', 'an object'],
    ['adam without beta2', { adam: '{"beta1":0.9,"epsilon":1e-7}' }, 'adam.beta2', 'missing'],
    ['data without a hash', { data: '{"count":1,"height":1,"width":1,"channels":1}' }, 'data.fnv1a'],
    [
      'another objective',
      { training: '{"objective":"noise"}' },
      'training.objective',
      '"noise"',
      'tutorial or flow',
    ],
    [
      'a schedule without an end',
      { training: '{"schedule":{"decay":"cosine"}}' },
      'training',
      'schedule.steps is missing',
    ],
    ['averageSpan is a word', { training: '{"averageSpan":"far"}' }, 'training.averageSpan', '"far"'],
    ['clipNorm is a word', { training: '{"clipNorm":"one"}' }, 'training.clipNorm', '"one"'],
    ['training is a list', { training: '[]' }, 'training', '[]', 'an object'],
    ['variants are numbers', { variants: '{"conv2d/down.0":1}' }, 'conv2d/down.0'],
    ['sampling is a word', { sampling: '"euler"' }, 'sampling', '"euler"', 'an object'],
    ['no such method', { sampling: '{"method":"ode","steps":4}' }, 'sampling.method', '"ode"'],
    ['half a step', { sampling: '{"method":"euler","steps":0.5}' }, 'sampling.steps', '0.5'],
    [
      'a polish without noises',
      { sampling: '{"method":"euler","steps":4,"polish":{"level":0.2}}' },
      'sampling.polish',
      '1 to 64 noises',
    ],
    [
      'guidance within no levels',
      { sampling: '{"method":"euler","steps":4,"guidanceRange":[1,0]}' },
      'sampling.guidanceRange',
      'low < high',
    ],
    [
      'other steps than calls',
      { sampling: '{"method":"euler","steps":4,"calls":2}' },
      'as many steps as calls',
    ],
  ])('has the fault of its metadata named by loadCheckpoint: %s', async (_, metadata, ...facts) => {
    await refused(() => loadCheckpoint(altered(metadata), 'the/file'), 'data', 'the/file', ...facts);
  });

  test.each<[string, Uint8Array, ...(string | number)[]]>([
    ['a model is no checkpoint', model, 'is a "model"', 'no optimizer state'],
    ['a file of another program', encodeSafetensors([]), 'not saved by webgpu-diffusion', 'none'],
    ['a missing tensor', altered({}, (t) => t.delete('moment1.up.1.bias')), 'moment1.up.1.bias', 'missing'],
    [
      'an extra tensor',
      altered({}, (t) => t.set('more', { shape: [1], data: new Float32Array(1) })),
      '"more"',
      'not known',
    ],
    [
      'a tensor that is not finite',
      altered({}, (t) => t.set('moment2.up.1.bias', { shape: [1], data: Float32Array.of(NaN) })),
      'moment2.up.1.bias',
      'not finite',
    ],
    ['cut short', checkpoint.subarray(0, checkpoint.length - 4), 'cut short'],
  ])('has its fault named by loadCheckpoint: %s', async (_, bytes, ...facts) => {
    await refused(() => loadCheckpoint(bytes, 'the/file'), 'data', 'the/file', ...facts);
  });

  const showsNothingRaw = async (bytes: Uint8Array, fact: string) => {
    await refused(() => loadCheckpoint(bytes, 'the/file'), 'data', 'the/file', fact);
    expect(() => loadCheckpoint(bytes)).not.toThrow(/[^\P{Cc}\n]|\p{Cf}|.{600}/u);
  };
  const long = 'x'.repeat(10_000);
  test.each([
    ['unknown names', '{"\\u001b[2J":1}', 'no setting "\\u001b[2J"'],
    ['names of 10 KB', `{"${long}":1}`, 'xxx…'],
    ['controls of 8 bits', '{"height":"\x9b2J"}', 'height is "\\u{9b}2J"'],
    ['right to left', '{"width":"\u202egnp"}', 'width is "\\u{202e}gnp"'],
    ['sizes of 10 KB', `{"height":"${long}"}`, 'height is "xxx'],
    ['lists of 10 KB', `{"widths":"${long}"}`, 'widths is "xxx'],
    ['what has no text', '{"height":{"toString":1}}', 'height is {"toString":1}'],
  ])('shows nothing raw in the error of its config: %s', (_, config, fact) =>
    showsNothingRaw(altered({ config }), fact),
  );

  test('shows nothing raw in the words of JSON.parse', async () => {
    const json = new TextEncoder().encode('12345678{"a":\x1b]0;title\x07');
    new DataView(json.buffer).setBigUint64(0, BigInt(json.length - 8), true);
    await showsNothingRaw(json, '\\u{1b}]0;title');
  });

  test('with a fingerprint of 10 KB shows only a part of it', async () => {
    const long = { ...data, fnv1a: `${'x'.repeat(10_000)}a` };
    await refused(() => assertSameData(long, { ...long, fnv1a: `${'x'.repeat(10_000)}b` }), 'data', 'xxx…');
  });

  test('has its missing tensor named by loadModel', async () => {
    const other = encodeSafetensors([], { format: 'webgpu-diffusion', version: '1', config: '{}' });
    await refused(() => loadModel(other, 'the/file'), 'data', 'the/file', 'down.0.kernel', 'missing');
  });
});

describe('the fingerprint of images', () => {
  test('is FNV-1a of the bytes', () => {
    const text = (s: string) => ({ ...images, images: new TextEncoder().encode(s) });
    // Published vectors.
    expect(fingerprintImages(text('')).fnv1a).toBe('811c9dc5');
    expect(fingerprintImages(text('a')).fnv1a).toBe('e40c292c');
    expect(fingerprintImages(text('foobar')).fnv1a).toBe('bf9cf968');
  });

  test('refuses other images, another count and other labels', async () => {
    assertSameData(data, fingerprintImages({ ...images }));
    const other = { ...images, images: images.images.slice() };
    other.images[17]++;
    await refused(() => assertSameData(data, fingerprintImages(other)), 'data', data.fnv1a, 'same images');
    await refused(() => assertSameData(data, { ...data, count: 5 }), 'data', '6 images', 'has 5 images');

    const labels = Uint8Array.of(1, 2, 3, 4, 5, 6);
    const labelled = fingerprintImages({ ...images, labels });
    assertSameData(labelled, data); // as the first checkpoints are, without
    assertSameData(labelled, fingerprintImages({ ...images, labels: labels.slice() }));
    const relabelled = fingerprintImages({ ...images, labels: labels.toReversed() });
    await refused(() => assertSameData(labelled, relabelled), 'data', labelled.labels!);
  });
});
