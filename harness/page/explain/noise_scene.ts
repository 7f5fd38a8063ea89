/** The first scene: an image and noise, mixed by a slider. It needs no network, and so no GPU. */
import { gaussianNoise, mix, toFlow } from '../../pictures/noise';
import { svg } from '../../text/svg';
import { drawSvg, make, makeButton } from '../shell/dom';
import { spread } from './noise';
import { Figure, Guess, prose, Slider, sceneParts } from './parts';
import { SCENE_SEED, type Scene, type SceneStage } from './scene';

const SIZE = 28 * 28;
/** The one that the strip before it shows. */
const DIGIT = 3;
const BINS = 48;
/** Paper is -1, ink 1. Pixels beyond are counted with the outermost. */
const LOW = -3;
const HIGH = 3;

const bytesOf = (values: Float32Array) =>
  new Uint8Array(Uint8ClampedArray.from(values, (value) => 255 * (0.5 * value + 0.5)));

export class NoiseScene implements Scene {
  readonly title = 'What is noise?';
  readonly element = make('div', { className: 'scene' });
  readonly questions = [];
  readonly reading = [
    ['docs/tutorial.md#2-corruption', 'the tutorial, block by block'],
    ['shaders/batch/corrupt.wgsl', 'the shader that mixes them'],
  ] as const;
  private readonly stage: SceneStage;
  private readonly slider: Slider;
  private readonly guess: Guess;
  private readonly image = new Figure('x, image');
  private readonly noise = new Figure('n, noise');
  private readonly mixed = new Figure('xₜ, the mix');
  private readonly formula = make('p', { className: 'formula' });
  private readonly bars = make('div', { className: 'bars', role: 'img' });
  private seed = SCENE_SEED;
  /** Key of the drawn state. */
  private drawn = '';

  constructor(stage: SceneStage) {
    this.stage = stage;
    this.slider = new Slider('explain-t', 't', 100, stage.changed);
    const answers = ['Nothing but noise', 'The strokes, under noise', 'A fainter 3, without noise'];
    this.guess = new Guess(`What is left of a ${DIGIT} at t = 0.5?`, answers, () => {
      this.slider.glide(0, 50, stage.still);
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
    const lead = [
      prose(
        'Take an image, and a picture of random numbers. Mix them, pixel by pixel. The slider is the share of noise, the {noise level}: at 0 there is only the image, at 1 only noise.',
      ),
      this.guess.element,
    ];
    const text = [
      prose(
        'Nothing else is done to an image. Arithmetic cannot undo it: the mix alone does not say what was added. A network learns to guess it.',
      ),
      prose(
        'Pixels are from −1, paper, to 1, ink, and the noise is {Gaussian|gaussian noise}, so it is brighter and darker than any pixel.',
      ),
    ];
    // Paper and ink below the bars.
    const axis = make('p', { className: 'axis muted' }, make('span', {}, 'paper'), make('span', {}, 'ink'));
    const pictures = [
      sum,
      this.slider.element,
      this.formula,
      make(
        'figure',
        {},
        make('figcaption', { className: 'muted' }, 'How many pixels of xₜ have which value'),
        this.bars,
        axis,
      ),
      make('div', {}, other),
    ];
    this.element.append(...sceneParts(lead, pictures, text));
  }

  render(): void {
    const { seed, slider } = this;
    this.guess.render(slider.moves, () => [1, 'the strokes are still there, under noise']);
    const key = [seed, slider.value].join();
    if (key === this.drawn) return;
    this.drawn = key;
    const t = slider.value / 100;
    const x = this.clean;
    const noise = gaussianNoise(seed, 1, SIZE);
    const mixed = mix(x, noise, t);
    this.image.show({ bytes: bytesOf(x) }, `A ${DIGIT}`, `× ${(1 - t).toFixed(2)}`);
    this.noise.show({ bytes: bytesOf(noise) }, 'Noise', `× ${t.toFixed(2)}`);
    this.mixed.show(
      { bytes: bytesOf(mixed) },
      `A ${DIGIT} with ${slider.value} % noise`,
      `t = ${t.toFixed(2)}`,
    );
    slider.say(t.toFixed(2));
    this.formula.replaceChildren(
      make('span', {}, 'xₜ = (1 − t) x + t n '),
      make('span', {}, `= ${(1 - t).toFixed(2)} x + ${t.toFixed(2)} n`),
    );
    this.showBars(mixed);
  }

  /** Values from -1 to 1; drawn by the pretrained network when the recording was made. */
  private get clean(): Float32Array {
    const { x } = this.stage.recording;
    const last = x[x.length - 1];
    // The recording has twelve shades: what is nearly paper became the lightest of them, here and there.
    return Float32Array.from(last.subarray(DIGIT * SIZE, (DIGIT + 1) * SIZE), (byte) =>
      toFlow(byte < 32 ? 0 : byte / 255),
    );
  }

  private showBars(mixed: Float32Array): void {
    const shares = spread(mixed, LOW, HIGH, BINS);
    // Without noise nearly all pixels are paper, which would dwarf all else: such bars are cut, and the root lets small ones be seen.
    const bars = shares.map((share, i) => {
      const height = 30 * Math.min(1, Math.sqrt(share / 0.25));
      return svg('rect', { x: i + 0.1, y: 30 - height, width: 0.8, height });
    });
    this.bars.replaceChildren(
      drawSvg(svg('svg', { viewBox: `0 0 ${BINS} 30`, preserveAspectRatio: 'none' }, ...bars)),
    );
    const mean = mixed.reduce((sum, value) => sum + value, 0) / mixed.length;
    const deviation = Math.sqrt(mixed.reduce((sum, value) => sum + (value - mean) ** 2, 0) / mixed.length);
    this.bars.ariaLabel = `The values of the pixels: mean ${mean.toFixed(2)}, standard deviation ${deviation.toFixed(2)}`;
  }
}
