/** The first scene: an image and noise, mixed by a slider. It needs no network, and so no GPU. */
import { STREAM, threefry, uniform } from '../../../src/base/random';
import { gaussianNoise, mix, toFlow } from '../../pictures/noise';
import { svg } from '../../text/svg';
import { elementOf, make, makeButton } from '../shell/dom';
import { spread } from './noise';
import { Choice, Figure, halves, numbered, prose, Slider } from './parts';
import { type Scene, SEED, type Stage } from './scene';

const KINDS = ['digits', 'tutorial'] as const;
type Kind = (typeof KINDS)[number];
const SIZE = 28 * 28;
const BINS = 48;
/** Pixels beyond are counted with the outermost. */
const RANGE: Readonly<Record<Kind, readonly [number, number]>> = { digits: [-3, 3], tutorial: [-0.25, 1.25] };
const ABOUT: Readonly<Record<Kind, string>> = {
  digits:
    'In the recipe digits, pixels are from −1, paper, to 1, ink, and the noise is {Gaussian|gaussian noise}, so it is brighter and darker than any pixel.',
  tutorial:
    'In the recipe tutorial, pixels are 0, paper, or 1, ink, and each pixel of the noise is a random number between them.',
};

const bytesOf = (values: Float32Array, kind: Kind) =>
  new Uint8Array(
    Uint8ClampedArray.from(values, (value) => 255 * (kind === 'digits' ? 0.5 * value + 0.5 : value)),
  );

export class NoiseScene implements Scene {
  readonly title = 'What is noise?';
  readonly element = make('div', { className: 'scene' });
  readonly questions = [];
  readonly reading = [
    ['docs/tutorial.md#2-corruption', 'the tutorial, block by block'],
    ['shaders/batch/corrupt.wgsl', 'the shader that mixes them'],
  ] as const;
  private readonly stage: Stage;
  private readonly slider: Slider;
  private readonly digits: Choice<number>;
  private readonly kinds: Choice<Kind>;
  private readonly image = new Figure('x, image');
  private readonly noise = new Figure('n, noise');
  private readonly mixed = new Figure('xₜ, the mix');
  private readonly formula = make('p', { className: 'formula' });
  private readonly bars = make('div', { className: 'bars', role: 'img' });
  /** The labels of paper and ink below the bars. */
  private readonly axis = make(
    'p',
    { className: 'axis muted' },
    make('span', {}, 'paper'),
    make('span', {}, 'ink'),
  );
  private readonly about = make('div');
  private digit = 7;
  private kind: Kind = 'digits';
  private seed = SEED;
  /** Key of the drawn state. */
  private drawn = '';

  constructor(stage: Stage) {
    this.stage = stage;
    this.slider = new Slider('explain-t', 't', 100, stage.changed);
    this.slider.value = 40;
    this.digits = new Choice('Image', 'choice', (digit) => {
      this.digit = digit;
      stage.changed();
    });
    this.kinds = new Choice('Recipe', 'segmented', (kind) => {
      this.kind = kind;
      stage.changed();
    });
    const again = () => {
      this.seed++;
      stage.changed();
    };
    const other = makeButton('Other noise', again, { className: 'small' });
    const sum = make(
      'div',
      { className: 'sum' },
      this.image.element,
      make('span', {}, '+'),
      this.noise.element,
    );
    sum.append(make('span', {}, '='), this.mixed.element);
    const text = [
      prose(
        'Take an image, and a picture of random numbers. Mix them, pixel by pixel. The slider is the share of noise, the {noise level}: at 0 there is only the image, at 1 only noise.',
      ),
      prose(
        'Nothing else is done to an image. Arithmetic cannot undo it: the mix alone does not say what was added. A network learns to guess it.',
      ),
      this.kinds.element,
      this.about,
    ];
    const pictures = [
      sum,
      this.slider.element,
      this.formula,
      make(
        'figure',
        {},
        make('figcaption', { className: 'muted' }, 'How many pixels of xₜ have which value'),
        this.bars,
        this.axis,
      ),
      make('div', { className: 'scene-choices' }, this.digits.element, other),
    ];
    this.element.append(...halves(pictures, text));
  }

  render(): void {
    const { digit, kind, seed, slider } = this;
    const key = [digit, kind, seed, slider.value].join();
    if (key === this.drawn) return;
    this.drawn = key;
    const t = slider.value / 100;
    const { clean, noise, mixed } = mixture(this.clean, kind, seed, t);
    this.image.show({ bytes: clean }, `A ${digit}`, `× ${(1 - t).toFixed(2)}`);
    this.noise.show({ bytes: bytesOf(noise, kind) }, 'Noise', `× ${t.toFixed(2)}`);
    this.mixed.show(
      { bytes: bytesOf(mixed, kind) },
      `A ${digit} with ${slider.value} % noise`,
      `t = ${t.toFixed(2)}`,
    );
    slider.say(t.toFixed(2));
    this.formula.replaceChildren(
      make('span', {}, 'xₜ = (1 − t) x + t n '),
      make('span', {}, `= ${(1 - t).toFixed(2)} x + ${t.toFixed(2)} n`),
    );
    this.digits.show(digit, numbered([...'0123456789']));
    this.kinds.show(kind, new Map(KINDS.map((each) => [each, each])));
    // Not anew with each move of the slider: one of its words may have the focus.
    if (this.about.dataset.kind !== kind) this.about.replaceChildren(prose(ABOUT[kind]));
    this.about.dataset.kind = kind;
    this.showBars(mixed);
  }

  /** Values from 0 to 1; drawn by the pretrained network when the recording was made. */
  private get clean(): Float32Array {
    const { x } = this.stage.recording;
    const last = x[x.length - 1];
    // The recording has twelve shades: what is nearly paper became the lightest of them, here and there.
    return Float32Array.from(last.subarray(this.digit * SIZE, (this.digit + 1) * SIZE), (byte) =>
      byte < 32 ? 0 : byte / 255,
    );
  }

  private showBars(mixed: Float32Array): void {
    const [low, high] = RANGE[this.kind];
    const shares = spread(mixed, low, high, BINS);
    const [paper, ink] = this.kind === 'digits' ? [-1, 1] : [0, 1];
    [paper, ink].forEach((value, i) => {
      (this.axis.children[i] as HTMLElement).style.left = `${(100 * (value - low)) / (high - low)}%`;
    });
    // Without noise nearly all pixels are paper, which would dwarf all else: such bars are cut, and the root lets small ones be seen.
    const bars = shares.map((share, i) => {
      const height = 30 * Math.min(1, Math.sqrt(share / 0.25));
      return svg('rect', { x: i + 0.1, y: 30 - height, width: 0.8, height });
    });
    this.bars.replaceChildren(
      elementOf(svg('svg', { viewBox: `0 0 ${BINS} 30`, preserveAspectRatio: 'none' }, ...bars)),
    );
    const mean = mixed.reduce((sum, value) => sum + value, 0) / mixed.length;
    const deviation = Math.sqrt(mixed.reduce((sum, value) => sum + (value - mean) ** 2, 0) / mixed.length);
    this.bars.ariaLabel = `The values of the pixels: mean ${mean.toFixed(2)}, standard deviation ${deviation.toFixed(2)}`;
  }
}

/** An image of values from 0 to 1 and noise, in the range of the recipe, and both mixed. */
function mixture(image: Float32Array, kind: Kind, seed: number, t: number) {
  const x = Float32Array.from(image, (value) => (kind === 'digits' ? toFlow(value) : Number(value > 0.5)));
  const noise =
    kind === 'digits'
      ? gaussianNoise(seed, 1, SIZE)
      : Float32Array.from({ length: SIZE }, (_, i) => uniform(threefry(seed, STREAM.sample, 0, i)[0]));
  return { clean: bytesOf(x, kind), noise, mixed: mix(x, noise, t) };
}
