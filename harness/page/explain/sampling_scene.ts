/** The third scene: a sample on its way from noise to a digit, and the network's prediction at each step. */
import { labelName, shownNames } from '../../pictures/class_names';
import type { Made } from '../messages/explain_messages';
import { make, setText } from '../shell/dom';
import { isNearly, isNoise } from './noise';
import {
  Choice,
  Figure,
  Guess,
  numbered,
  Playback,
  prose,
  SceneNetwork,
  Slider,
  sceneParts,
  showWay,
  WAY,
} from './parts';
import { Question, recordedWords, SCENE_SEED, type Scene, type SceneStage } from './scene';

/** What the first call makes, in the order of the answers. */
const FIRST = ['noise again', 'a smear, the mean of all that is possible', 'nearly the finished image'];
/** The most classes to choose from: letters and digits. */
const MOST_CHOICES = 36;

export class SamplingScene implements Scene {
  readonly title = 'How is an image made?';
  readonly element = make('div', { className: 'scene' });
  readonly questions: readonly Question[];
  readonly reading = [
    ['docs/tutorial.md#8-sampling', 'sampling'],
    ['shaders/sampling/flow_step.wgsl', 'the shader of a step'],
  ] as const;
  private readonly stage: SceneStage;
  private readonly question: Question<Made>;
  private readonly network: SceneNetwork;
  private readonly playback: Playback;
  private readonly digits: Choice<number>;
  private readonly guess: Guess;
  private readonly other = make('button', { type: 'button', className: 'small' }, 'Other noise');
  private readonly x = new Figure('xₜ, on its way');
  private readonly prediction = new Figure('What the network sees in it');
  private readonly strip = new Figure(WAY, 'wide');
  private readonly said = make('p', { className: 'scene-said' });
  private readonly status = make('p', { className: 'muted scene-status', role: 'status' });
  private readonly pictures: HTMLElement;
  private digit = 3;
  private seed = SCENE_SEED;
  /** A guess waits for the first prediction of the network that is about to answer. */
  private guessed = false;
  /** What has been played. */
  private played: Made | 'recorded' | undefined;

  constructor(stage: SceneStage) {
    this.stage = stage;
    this.question = new Question(stage.app);
    this.questions = [this.question];
    this.network = new SceneNetwork(stage.app);
    const t = new Slider('explain-way', 't', 0, stage.changed);
    // t rises to the right, as in the scenes on noise: the way from noise to the image goes to the left.
    t.input.dir = 'rtl';
    this.playback = new Playback(t, stage.changed);
    const answers = ['Noise', 'A smear', 'A finished image'];
    this.guess = new Guess('What does a single call of the network make of pure noise?', answers, () => {
      this.guessed = stage.app !== undefined && this.question.answer === undefined;
      t.glide(t.value, 0, stage.still);
      stage.changed();
    });
    this.digits = new Choice('Digit', 'choice', (digit) => {
      this.digit = digit;
      stage.changed();
    });
    this.other.hidden = !stage.app;
    this.other.addEventListener('click', () => {
      this.seed++;
      stage.changed();
    });
    const lead = [
      prose(
        'Begin with nothing but noise, and ask a network that takes noise away what it sees in it. Move the image a little towards that, and ask again: now there is less noise, and it sees more.',
      ),
      this.guess.element,
    ];
    const text = [
      prose(
        'So it goes, {step} by step. t is the share of noise: when it is down to 0, there is a new image, one that is in no data set: a {sample}. Noise from another {seed} makes another one.',
      ),
      this.said,
      this.network.element,
      this.status,
    ];
    const pictures = [
      make('div', { className: 'two' }, this.x.element, this.prediction.element),
      this.playback.element,
      this.strip.element,
      make('div', { className: 'scene-choices' }, this.digits.element, this.other),
    ];
    const parts = sceneParts(lead, pictures, text);
    this.pictures = parts[1];
    this.element.append(...parts);
  }

  render(): void {
    const { question, network, stage, seed } = this;
    const { slider } = this.playback;
    const names = shownNames(network.classes);
    const digit = this.digit % Math.max(1, names.length);
    if (stage.app) question.ask({ kind: 'make', of: network.source, label: digit, seed });
    network.render(question.steps);
    setText(this.status, question.status ?? '');
    const { answer } = question;
    const shown = answer ?? (network.isOfDigits ? this.recorded() : undefined);
    this.pictures.hidden = !shown;
    this.guess.element.hidden = !shown;
    if (!shown) {
      setText(this.said, '');
      return;
    }
    const steps = shown.predictions.length;
    // The recording plays only where no answer is to come, and where nothing moves it shows its end.
    const played = answer ?? (!stage.app || stage.still ? 'recorded' : undefined);
    if (played && played !== this.played) {
      this.played = played;
      slider.max = steps;
      slider.glide(0, this.guessed ? 0 : steps, stage.still);
      this.guessed = false;
    }
    const at = Math.min(slider.value, steps);
    this.playback.render(steps, (1 - at / steps).toFixed(2));
    this.guess.render(slider.moves, () => {
      const [first] = shown.predictions;
      const right = isNoise(first, shown) ? 0 : isNearly(first, shown.x[steps]) ? 2 : 1;
      return [right, `it makes ${FIRST[right]}`];
    });
    this.digits.rename(network.kind === 'digit' ? 'Digit' : 'Class');
    this.digits.show(digit, numbered(names.slice(0, MOST_CHOICES)));
    this.digits.element.hidden = answer !== undefined && !answer.byClass;
    this.show(shown, at);
    setText(this.said, answer ? sentence(at, steps) : recordedWords(stage.app !== undefined));
  }

  private show(shown: Made, at: number): void {
    const { x, predictions, height, width, channels, byClass } = shown;
    const steps = predictions.length;
    const { classes, classNames } = this.network.classes;
    const name = labelName(this.digit % Math.max(1, classes), classNames);
    const what = byClass ? `a ${name}` : 'an image';
    const t = (1 - at / steps).toFixed(2);
    this.x.show(
      { bytes: x[at], height, width, channels },
      `${what} on its way from noise, t = ${t}`,
      `t = ${t}`,
    );
    // At the end there is no noise left to look through.
    const seen = predictions[Math.min(at, steps - 1)];
    this.prediction.show(
      { bytes: seen, height, width, channels },
      `What the network sees in it at t = ${t}`,
      byClass ? `it knows: ${name}` : 'it knows no class',
    );
    showWay(this.strip, shown, what);
  }

  private recorded(): Made {
    const { height, width, x, predictions, making } = this.stage.recording;
    const size = height * width;
    // Another network may have had more classes to choose from.
    const digit = this.digit % making.images;
    const one = (all: Uint8Array) => all.subarray(digit * size, (digit + 1) * size);
    const question = { kind: 'made', objective: 'flow', byClass: true } as const;
    return { ...question, height, width, channels: 1, x: x.map(one), predictions: predictions.map(one) };
  }
}

/** Explains the next step. */
function sentence(at: number, steps: number): string {
  const left = steps - at;
  if (left === 0) return 'The last step is done: this is the sample.';
  if (left === 1) return 'The last step: x becomes what the network sees.';
  return `The next step moves x 1/${left} of the way to what the network sees.`;
}
