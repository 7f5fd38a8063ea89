/** Which variants are used where nothing is measured, which ones a tuner measures, and which a caller may fix. */
import { describe, expect, test } from 'vitest';
import { conv2d } from '../../../src/kernels/conv2d';
import { conv2dGradKernel } from '../../../src/kernels/conv2d_grad_kernel';
import type { AdapterKind } from '../../../src/plan/op';
import { worthMeasuring } from '../../../src/tuning/tuner';
import { planGradients } from '../../../src/unet/backward';
import { checkVariants } from '../../../src/unet/check_variants';
import { checkConfig, listLayers, presets } from '../../../src/unet/config';
import {
  type Capabilities,
  conditioningChoice,
  defaultVariants,
  layersFor,
  possibleVariants,
  preferredVariant,
  TUNABLE_KERNELS,
} from '../../../src/unet/variants';

type Config = Parameters<typeof checkConfig>[0];
const of = (config: Config) => listLayers(checkConfig(config));
const side = (pixels: number) => ({ height: pixels, width: pixels });
const layers = of({});
const none = new Set<string>();
const plain = { features: none };
/** A device with default limits. */
const small = { ...plain, limits: { maxStorageBufferBindingSize: 2 ** 27, maxBufferSize: 2 ** 28 } };
const capable = { features: new Set(['subgroups']) };

/** An adapter, a network and a batch; on a processor without features, 64 images of the tutorial's network. */
interface Place {
  readonly config?: Config;
  readonly batch?: number;
  readonly device?: Capabilities;
  readonly kind?: AdapterKind;
}
const defaultsAt = ({ config = {}, batch = 64, device = plain, kind = 'software' }: Place) =>
  defaultVariants(of(config), batch, device, kind);

describe('the defaults', () => {
  const onCard = (batch: number): Place => ({ batch, device: capable, kind: 'gpu' });
  const endsOnCard = {
    'conv2d/down.0': 'one_input_gpu',
    'conv2d/down.1': 'winograd7_gpu',
    'conv2d_grad_input/up.1': 'winograd7_gpu',
    'conv2d_grad_kernel/down.0': 'one_channel_gpu',
    'conv2d_grad_kernel/up.2': 'one_channel_gpu',
  };
  test.each<[what: string, place: Place, variants: Record<string, string>]>([
    [
      'forms with subgroups where a processor has them',
      { device: capable },
      {
        'conv2d/down.0': 'one_input_subgroups',
        'conv2d/down.2': 'winograd7_subgroups',
        'conv2d/up.2': 'one_output_subgroups',
        'conv2d_grad_input/up.2': 'one_input_subgroups',
      },
    ],
    ['few whole tiles', { batch: 8 }, { 'conv2d/down.2': 'winograd7' }],
    [
      'what errs less for others',
      { config: side(16), batch: 4 },
      { 'conv2d/down.1': 'winograd7', 'conv2d/down.2': 'direct' },
    ],
    // Images of 16 take 4 tiles of 8, where they would take 9 of 7; images of 8 take one, or 4 of either other form.
    [
      'tiles of 8 for images of 16 and 8',
      { config: side(32) },
      { 'conv2d_grad_input/up.1': 'winograd8', 'conv2d_grad_kernel/up.0': 'winograd8' },
    ],
    // 24 are 16 tiles of 6, and 9 of 8, which save too little; 32 take 36 of 6, 25 of 7 and 16 of 8.
    ...[
      [24, 'winograd6_3x3'],
      [32, 'winograd8_3x3'],
    ].map(([pixels, tile]): [string, Place, Record<string, string>] => [
      'the tiles of 3x3 kernels that save most products',
      { config: { ...presets.pictures, ...side(Number(pixels)) }, batch: 16 },
      {
        'conv2d/down.0.1': String(tile),
        'conv2d/down.1.1': String(tile),
        'conv2d_grad_input/down.1.1': String(tile),
      },
    ]),
    // One tile an image is too few.
    ['what fits the registers of a GPU', onCard(4), { ...endsOnCard, 'conv2d_grad_kernel/down.2': 'tile' }],
  ])('are %s: %o', (_, place, variants) => {
    expect(defaultsAt(place)).toMatchObject(variants);
  });

  test('have no subgroups without the feature, and no tiles for kernels of 7', () => {
    const all = (place: Place) => Object.values(defaultsAt(place));
    expect(all({}).join()).not.toContain('subgroups');
    expect(new Set(all({ config: { kernelSize: 7 }, kind: 'gpu' }))).toEqual(new Set(['direct']));
  });

  test('replace what was rejected', () => {
    const rejected = new Set(['conv2d.one_input_gpu', 'conv2d_grad_kernel.one_channel_gpu']);
    expect(defaultVariants(layers, 64, capable, 'gpu', rejected)).toMatchObject({
      'conv2d/down.0': 'one_input',
      'conv2d_grad_kernel/up.2': 'one_channel',
    });
  });
});

test('the conditioning is fused on GPUs, unless that variant was rejected or the caller fixed another', async () => {
  const conditioned = listLayers(presets.digits);
  expect(conditioningChoice(conditioned, 'gpu', none)).toEqual({ conditioning: 'gpu' });
  expect(conditioningChoice(conditioned, 'gpu', new Set(['conditioning.gpu']))).toEqual({});
  expect(conditioningChoice(conditioned, 'software', none)).toEqual({});
  expect(conditioningChoice(layers, 'gpu', none)).toEqual({});
  expect(defaultVariants(conditioned, 8, plain, 'gpu')).toMatchObject({ conditioning: 'gpu' });
  for (const conditioning of ['unfused', 'gpu']) checkVariants({ conditioning }, conditioned, 8, plain, true);
});

test.each<
  [variants: Record<string, string>, of: typeof layers, device: Capabilities, message: string | RegExp]
>([
  [
    { conditioning: 'one' },
    listLayers(presets.digits),
    plain,
    'conditioning has no variant one; it can be unfused or gpu',
  ],
  [{ conditioning: 'gpu' }, layers, plain, 'there is no conditioning in this network'],
  [
    { 'conv2d/down.7': 'direct', 'conv2d/up.0': 'best', 'conv2d/up.9': 'direct' },
    layers,
    plain,
    // In one sentence that names the legal ones once.
    /^These kernel variants cannot be used: there is no conv2d\/down\.7, conv2d\/up\.9 in this network, only conv2d\/down\.0, conv2d\/down\.1, [^A-Z]*\. Also conv2d\/up\.0 has no variant best; here it can be direct, [^A-Z]*\.$/,
  ],
  [
    { 'conv2d_grad_kernel/down.1': 'winograd8_gpu' },
    of({ ...side(64), widths: [192, 192] }),
    small,
    'cannot be winograd8_gpu, as the device allows no buffer as large as its scratch memory; here it can be direct, tile',
  ],
])('a caller cannot fix %j', (variants, of, device, message) => {
  expect(() => checkVariants(variants, of, 64, device, true)).toThrow(message);
});

describe('the tuner', () => {
  const measured = (
    config: Config,
    kernel: (typeof TUNABLE_KERNELS)[number],
    at: number,
    { rejected = none, batch = 64, kind = 'gpu' as AdapterKind } = {},
  ) => {
    const layer = of(config).at(at)!;
    return worthMeasuring(kernel, possibleVariants(kernel, layer, batch, capable), layer, kind, rejected);
  };

  const first = 0;
  const last = -1;
  test.each([
    [conv2d, first, [], ['one_input_gpu', 'tile']],
    [conv2d, last, [], ['tile', 'winograd7_gpu', 'one_output_gpu']],
    [conv2dGradKernel, first, [], ['one_channel_gpu', 'tile', 'winograd7_gpu']],
    [conv2dGradKernel, last, [], ['one_channel_gpu', 'tile']],
    [conv2d, first, ['conv2d.one_input_gpu', 'conv2d.tile'], ['one_input', 'one_input_gpu', 'tile']],

    [
      conv2dGradKernel,
      last,
      ['conv2d_grad_kernel.one_channel_gpu'],
      ['one_channel', 'one_channel_gpu', 'tile'],
    ],
  ] as const)(
    'on a GPU leaves out variants for processors that have a twin, unless the twin was rejected: $0.name, layer $1, $2',
    (kernel, at, rejected, worth) => {
      expect(measured({}, kernel, at, { rejected: new Set<string>(rejected) })).toEqual(['direct', ...worth]);
    },
  );

  test.each<[height: number, width: number, kernelSize: number, rejected: string[], tiles: string[]]>([
    [16, 16, 5, [], ['winograd8_gpu']],
    [12, 12, 3, [], ['winograd6_3x3_gpu']],
    [14, 14, 5, ['conv2d.winograd7_gpu'], ['winograd7_gpu', 'winograd8_gpu']],
    [20, 20, 5, [], ['winograd7_gpu', 'winograd8_gpu']],
  ])(
    'on a GPU leaves out Winograd tiles that overhang where another fits, unless that was rejected: %d x %d, kernel %d, %j',
    (height, width, kernelSize, rejected, tiles) => {
      const config = { height: 2 * height, width: 2 * width, kernelSize };
      const worth = measured(config, conv2d, 1, { rejected: new Set(rejected) });
      expect(worth.filter((name) => /^winograd/.test(name))).toEqual(tiles);
    },
  );

  test('measures the plain variant first, and the default; a caller can still fix what it leaves out', () => {
    for (const kernel of TUNABLE_KERNELS)
      for (const layer of layersFor(kernel, layers)) {
        const possible = possibleVariants(kernel, layer, 64, capable);
        const worth = worthMeasuring(kernel, possible, layer, 'gpu', none);
        expect(worth[0]).toBe('direct');
        expect(worth).toContain(preferredVariant(kernel, possible, layer, 64, 'gpu'));
        for (const left of possible)
          checkVariants({ [`${kernel.name}/${layer.name}`]: left }, layers, 64, capable, true);
      }
  });
});

// The partial sums of all pairs of 192 channels take 162 MiB, of 256 channels 576 MiB. Bindings may be larger than buffers where a caller has
// raised one limit alone.
const binding = { ...plain, limits: { maxStorageBufferBindingSize: 2 ** 30, maxBufferSize: 2 ** 28 } };
test.each([
  [192, plain, 'winograd8_gpu'],
  [192, small, 'tile'],
  [32, small, 'winograd8_gpu'],
  [256, binding, 'tile'],
])('no form is used whose scratch memory no buffer can hold: %d channels, %o', (width, device, variant) => {
  const variants = defaultsAt({ config: { ...side(64), widths: [width, width] }, device, kind: 'gpu' });
  expect(variants['conv2d_grad_kernel/down.1']).toBe(variant);
});

// In seven slices the sums of 512 and 768 channels would take 176 and 394 MiB.
test.each([
  [512, 5, 126],

  [1024, 1, 101],
])(
  'the plain weight gradient needs no buffer that a device with default limits cannot have: %d channels',
  (width, count, mib) => {
    const { slices, scratch } = conv2dGradKernel.variants.direct;
    const layer = of({ ...side(64), widths: [width, width] })[1];
    const shape = { ...layer, batch: 64 };
    expect(possibleVariants(conv2dGradKernel, layer, 64, small)).toContain('direct');
    expect(slices!(shape)).toEqual(count);
    expect(Math.ceil((4 * scratch!(shape).partials) / 2 ** 20)).toEqual(mib);
  },
);

// The slices of all layers take one buffer, of 64 MiB at most.
test('kernel gradients whose slices would be too large a buffer are added up at once', () => {
  const gradientsOf = (kernelSize: number) =>
    planGradients(of({ ...side(8), widths: [512, 768], kernelSize }), 4);
  expect(gradientsOf(1).byLayer.map(({ partial }) => partial)).toEqual([true, true, true, true]);
  const { all, byLayer } = gradientsOf(3);
  expect(byLayer.map(({ partial }) => partial)).toEqual([true, false, false, true]);
  expect(all.size).toBeLessThanOrEqual(2 ** 24);
});
