/** The second scene: the network's predictions of the image behind the noise, before and after training, and their errors. */

import { labelName } from '../../pictures/class_names';
import { svg } from '../../text/svg';
import type { PredictedImages } from '../messages/explain_messages';
import { drawSvg, make, setText } from '../shell/dom';
import { meanSquaredError } from './noise';
import { Choice, Figure, Guess, numbered, prose, SceneNetwork, Slider, sceneParts } from './parts';
import { Question, recordedWords, SCENE_SEED, type Scene, type SceneStage } from './scene';

export class LearningScene implements Scene {
  readonly title = 'What is learned?';
  readonly element = make('div', { className: 'scene' });
  readonly questions: readonly Question[];
  readonly reading = [
    ['docs/tutorial.md#4-loss-and-optimizer', 'loss and optimizer'],
    ['shaders/loss/mse.wgsl', 'the shader of the loss'],
    ['shaders/optimizer/adam.wgsl', 'the shader of the update'],
  ] as const;
  private readonly stage: SceneStage;
  private readonly question: Question<PredictedImages>;
  private readonly network: SceneNetwork;
  private readonly slider: Slider;
  private readonly digits: Choice<number>;
  private readonly guess: Guess;
  private readonly seen = new Figure('xₜ, what it sees');
  private readonly before = new Figure('Guess, untrained');
  private readonly after = new Figure('Its guess now');
  private readonly truth = new Figure('x, the truth');
  private readonly curve = make('div', { className: 'errors', role: 'img' });
  private readonly said = make('p', { className: 'scene-said' });
  private readonly status = make('p', { className: 'muted scene-status', role: 'status' });
  private readonly pictures: HTMLElement;
  private choice = 7;

  constructor(stage: SceneStage) {
    this.stage = stage;
    this.question = new Question(stage.app);
    this.questions = [this.question];
    this.network = new SceneNetwork(stage.app);
    this.slider = new Slider('explain-level', 't', 10, stage.changed);
    this.slider.value = 7;
    this.digits = new Choice('Image', 'choice', (choice) => {
      this.choice = choice;
      stage.changed();
    });
    const answers = ['With little noise', 'In the middle', 'With most noise'];
    this.guess = new Guess('Where does the guessed image err most?', answers, () => {
      this.slider.glide(0, this.slider.max, stage.still);
      stage.changed();
    });
    const lead = [
      prose(
        'The network is shown the noisy image and guesses the clean one: it {denoises|denoise}. We know the truth, so we can say how wrong the guess is: the mean of the squared differences of all pixels. That is the {loss}.',
      ),
      this.guess.element,
    ];
    const text = [
      prose(
        'In each training {step}, every {parameter} moves a little to where the loss falls. The network gets no definition of a digit. It has to find out what digits look like, because then it guesses better.',
      ),
      this.said,
      this.network.element,
      this.status,
    ];
    const pictures = [
      make(
        'div',
        { className: 'four' },
        ...[this.seen, this.before, this.after, this.truth].map((f) => f.element),
      ),
      this.slider.element,
      make(
        'figure',
        {},
        make(
          'figcaption',
          { className: 'errors-key' },
          make('span', {}, 'Error of the guess, by noise level'),
        ),
        this.curve,
      ),
      this.digits.element,
    ];
    const parts = sceneParts(lead, pictures, text);
    this.pictures = parts[1];
    this.element.append(...parts);
    const key = this.element.querySelector('.errors-key')!;
    key.append(
      make('span', { className: 'key before' }, 'before training'),
      make('span', { className: 'key' }, 'now'),
    );
  }

  render(): void {
    const { question, network, stage, slider, choice } = this;
    const { source: of } = network;
    const { begin: began } = stage.app?.state ?? {};
    if (stage.app) question.ask({ kind: 'predict', of, began, choice, seed: SCENE_SEED }, true);
    network.render(question.steps);
    setText(this.status, question.status ?? '');
    const shown = question.answer ?? (network.isOfDigits ? this.recorded() : undefined);
    this.pictures.hidden = !shown;
    this.guess.element.hidden = !shown;
    if (!shown) {
      setText(this.said, '');
      return;
    }
    const at = Math.min(slider.value, shown.levels.length - 1);
    slider.say(shown.levels[at].toFixed(2));
    const names = shown.labels.map((label, i) => this.nameOf(label) || String(i + 1));
    this.digits.show(Math.min(this.choice, names.length - 1), numbered(names));
    this.showPictures(shown, at);
    this.showErrors(shown, at);
    this.guess.render(slider.moves, () => worstOf(shown));
    setText(this.said, question.answer ? this.sentence(shown, at) : recordedWords(stage.app !== undefined));
  }

  /** The images are the page's, whatever the network knows; what is recorded are digits. */
  private nameOf(label: number | undefined): string {
    const { data } = this.stage.app?.state ?? {};
    if (label === undefined) return '';
    return labelName(label, this.question.answer ? data?.classNames : undefined);
  }

  private showPictures(shown: Shown, at: number): void {
    const { height, width, channels, noisy, before, after, clean } = shown;
    const label = shown.labels[Math.min(this.choice, shown.labels.length - 1)];
    const what = label === undefined ? 'the image' : `a ${this.nameOf(label)}`;
    const t = shown.levels[at];
    const error = (picture: Uint8Array) => meanSquaredError(picture, clean).toFixed(3);
    this.seen.show(
      { bytes: noisy[at], height, width, channels },
      `${what} with ${Math.round(100 * t)} % noise`,
      `t = ${t.toFixed(2)}`,
    );
    this.after.show(
      { bytes: after[at], height, width, channels },
      `What the network sees in it now; error ${error(after[at])}`,
      `error ${error(after[at])}`,
    );
    this.before.element.hidden = !before;
    if (before) {
      this.before.rename(shown.began === 'pretrained' ? 'Guess, pretrained' : 'Guess, untrained');
      this.before.show(
        { bytes: before[at], height, width, channels },
        `What it saw before training; error ${error(before[at])}`,
        `error ${error(before[at])}`,
      );
    }
    this.truth.show({ bytes: clean, height, width, channels }, what, 'the answer');
  }

  /** Two lines over the noise levels, and where the slider is. */
  private showErrors({ levels, before, after, clean }: Shown, at: number): void {
    const errors = {
      before: before?.map((p) => meanSquaredError(p, clean)),
      after: after.map((p) => meanSquaredError(p, clean)),
    };
    const top = Math.max(...(errors.before ?? []), ...errors.after, 0.05);
    const line = (values: readonly number[], className: string) => {
      // What plays draws them on its way.
      const reached = this.slider.moves ? values.slice(0, at + 1) : values;
      const points = reached.map((error, i) => `${100 * levels[i]},${38 - (36 * error) / top}`).join(' ');
      return svg('polyline', { points, class: className, 'vector-effect': 'non-scaling-stroke' });
    };
    const x = 100 * levels[at];
    const mark = svg('line', { x1: x, x2: x, y1: 0, y2: 40, 'vector-effect': 'non-scaling-stroke' });
    const lines = [...(errors.before ? [line(errors.before, 'before')] : []), line(errors.after, 'now')];
    this.curve.replaceChildren(
      drawSvg(svg('svg', { viewBox: '0 0 100 40', preserveAspectRatio: 'none' }, mark, ...lines)),
      make('span', { className: 'muted' }, top.toFixed(2)),
    );
    const from = errors.before ? `before training ${errors.before[at].toFixed(3)}, ` : '';
    this.curve.ariaLabel = `Error at t = ${levels[at].toFixed(2)}: ${from}now ${errors.after[at].toFixed(3)}; over all levels now ${Math.min(...errors.after).toFixed(3)} to ${Math.max(...errors.after).toFixed(3)}`;
    this.element.querySelector<HTMLElement>('.key.before')!.hidden = !errors.before;
  }

  /** Explains the pictures at this level. */
  private sentence({ levels, labels }: Shown, at: number): string {
    const { kind, classes } = this.network;
    const t = levels[at];
    const label = labels[Math.min(this.choice, labels.length - 1)];
    const knows = labels.length > 1 && label !== undefined && label < classes.classes;
    const which = knows ? `It knows which ${kind} to look for. ` : '';
    if (t === 0) return 'Without noise there is nothing to guess: the image itself is the answer.';
    if (t < 0.35) return 'Little noise: the strokes are plain to see, and it tidies up between them.';
    if (t < 0.75)
      return `${which}Much is hidden, and it fills in what ${kind === 'digit' ? 'digits' : 'such images'} usually have there.`;
    if (t < 1)
      return `${which}Hardly anything is left of the image: it can tell where the ink may be, not where it is.`;
    const all = knows ? `such ${kind === 'digit' ? 'digits' : 'images'}` : 'images';
    return `${which}In nothing but noise it sees the mean of all ${all}: the guess with the smallest error.`;
  }

  /** The scene from the recording: the pretrained network's guesses on its way from noise to a digit. */
  private recorded(): Shown {
    const { height, width, x, predictions, making } = this.stage.recording;
    const size = height * width;
    // There may have been more images to choose from.
    const choice = Math.min(this.choice, making.images - 1);
    const one = (all: Uint8Array) => all.subarray(choice * size, (choice + 1) * size);
    // Ten of the twenty steps: from level 0.1 to 1.
    const steps = Array.from({ length: 10 }, (_, i) => making.steps - 2 * (i + 1));
    return {
      height,
      width,
      channels: 1,
      before: undefined,
      objective: 'flow',
      began: 'new',
      labels: Array.from({ length: 10 }, (_, i) => i),
      clean: one(x[x.length - 1]),
      levels: steps.map((step) => 1 - step / making.steps),
      noisy: steps.map((step) => one(x[step])),
      after: steps.map((step) => one(predictions[step])),
    };
  }
}

type Shown = Omit<PredictedImages, 'kind' | 'choices' | 'before'> & {
  readonly before: PredictedImages['before'] | undefined;
};

/** The third of the noise levels where the guess errs most. */
function worstOf({ levels, after, clean }: Shown): readonly [right: number, what: string] {
  const errors = after.map((picture) => meanSquaredError(picture, clean));
  const t = levels[errors.indexOf(Math.max(...errors))];
  return [Math.min(Math.floor(3 * t), 2), `its error is largest at t = ${t.toFixed(2)}`];
}
