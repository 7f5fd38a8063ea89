/** The fourth scene: the networks of the recipes `tutorial` and `digits` from the same noise, and the changes between them. */
import rowsOfSamples from '../../../docs/images/recipe-steps.png?url';
import { plural } from '../../text/units';
import type { Asked, Made } from '../messages/explain_messages';
import { pretrainedOf } from '../messages/pretrained';
import { make, setText } from '../shell/dom';
import { makesDigits } from '../shell/state';
import { Figure, halves, Playback, prose } from './parts';
import { recipeSteps } from './recipe_steps';
import { Question, type Scene, SEED, type Stage } from './scene';

const DIGITS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const STEPS = 20;
/** A row of samples in the picture: its height, and where the samples begin right of their name. */
const ROW = { height: 60, left: 130, count: 7 };

export class RecipeScene implements Scene {
  readonly title = 'Why are the tutorial’s digits ragged, and what changed?';
  readonly element = make('div', { className: 'scene recipe' });
  readonly questions: readonly Question[];
  readonly reading = [
    ['docs/recipe.md', 'from blots to digits: every change in numbers'],
    ['src/recipes.ts', 'the recipes'],
    ['shaders/conv2d/direct/conv2d.wgsl', 'where noise level and class enter the network'],
  ] as const;
  private readonly stage: Stage;
  private readonly sides: readonly {
    readonly question: Question<Made>;
    readonly figure: Figure;
    readonly of: 'tutorial' | 'digits';
  }[];
  private readonly playback: Playback;
  private readonly other = make('button', { type: 'button', className: 'small' }, 'Other noise');
  private readonly trained = make('p');
  private readonly status = make('p', { className: 'muted scene-status', role: 'status' });
  private readonly row = make('canvas');
  private readonly about = make('div', { className: 'change-about' });
  private readonly buttons: readonly HTMLButtonElement[];
  private readonly picture = new Image();
  private seed = SEED;
  private change = 0;
  private played = '';

  constructor(stage: Stage) {
    this.stage = stage;
    this.sides = (['tutorial', 'digits'] as const).map((of) => ({
      of,
      question: new Question<Made>(stage.app),
      figure: new Figure(`The recipe ${of}`),
    }));
    this.questions = this.sides.map(({ question }) => question);
    this.playback = new Playback('explain-both', stage.changed);
    this.other.addEventListener('click', () => {
      this.seed++;
      stage.changed();
    });
    this.buttons = recipeSteps.map(({ name, accepted }, i) => this.changeButton(name, accepted, i));
    this.picture.src = rowsOfSamples;
    this.picture.addEventListener('load', () => this.showRow());
    this.row.role = 'img';
    this.element.append(this.compare(), this.changes());
    this.choose(0);
  }

  render(): void {
    const { stage, sides, playback, seed } = this;
    if (stage.app)
      for (const { of, question } of sides)
        question.ask({ kind: 'make', of: this.asked(of), labels: DIGITS, steps: STEPS, seed });
    // Both begin together, once both are there.
    const both = !stage.app || sides.every(({ question }) => question.answer && !question.waiting);
    if (both && this.played !== String(seed)) {
      this.played = String(seed);
      playback.begin(STEPS, stage.still);
    }
    this.other.hidden = !stage.app;
    setText(this.trained, this.training());
    playback.render(STEPS);
    for (const { of, figure, question } of sides) this.showSide(of, figure, question.answer);
    const status = sides.map(({ question }) => question.status).find((each) => each !== undefined);
    setText(this.status, status ?? (stage.app ? '' : NO_GPU));
  }

  /** The reader's own network stands for its recipe. */
  private asked(of: 'tutorial' | 'digits'): Asked {
    const { app } = this.stage;
    const own = app?.explained ?? 'pretrained';
    return own !== 'pretrained' && pretrainedOf(app!.network.recipe) === of ? own : of;
  }

  /** What both networks have been trained for. */
  private training(): string {
    const { app } = this.stage;
    const own = this.sides.find(({ of }) => this.asked(of) !== of);
    const here = 'Here both begin with the same noise and make the same 20 steps.';
    if (!own || !app)
      return `Both networks have the same convolutions, and both trained for 1,370 steps of 256 images. ${here}`;
    const yours =
      this.asked(own.of) === 'run'
        ? `Your network has trained for ${plural(own.question.steps, 'step')} of ${plural(app.settings.batch, 'image')}`
        : `Your network comes from the file ${app.state.model?.name}`;
    return `${yours}; the one of the recipe ${own.of === 'digits' ? 'tutorial' : 'digits'} has trained for 1,370 steps of 256 images. ${here}`;
  }

  private showSide(of: 'tutorial' | 'digits', figure: Figure, answer: Made | undefined): void {
    const { recording } = this.stage;
    const { at } = this.playback;
    const own = this.asked(of) !== of;
    figure.rename(own ? `Recipe ${of}, your network` : `Recipe ${of}`);
    const { height, width } = answer ?? recording;
    const { channels = 1 } = answer ?? {};
    if (!answer && (own || of === 'tutorial')) {
      // Nothing of it has been recorded: paper, until there is an answer.
      figure.element.hidden = !this.stage.app;
      figure.show({ bytes: paper, height, width, columns: 5 }, 'Nothing yet');
      return;
    }
    const x = answer?.x ?? recording.x;
    const byClass = !answer || answer.byClass;
    const others = answer?.objective === 'flow' ? 'it knows t' : 'it knows the image only';
    const areDigits = byClass && (!own || makesDigits(this.stage.app!.network));
    const what = areDigits ? 'the digits 0 to 9' : 'ten images';
    figure.show(
      { bytes: x[Math.min(at, x.length - 1)], height, width, channels, columns: 5 },
      `Recipe ${of}: ${what}, at t = ${(1 - at / STEPS).toFixed(2)}`,
      byClass ? `it knows t and the ${areDigits ? 'digit' : 'class'}` : others,
    );
  }

  private compare(): HTMLElement {
    const text = [
      this.trained,
      prose(
        'The network of the tutorial gets nothing but the image. It must guess how noisy the image is, and which digit to make. Where it cannot know, it predicts the mean of all that is possible: blots. The network of digits also gets the noise level and the digit.',
      ),
      this.status,
    ];
    const pictures = [
      make('div', { className: 'two' }, ...this.sides.map(({ figure }) => figure.element)),
      make('div', { className: 'scene-choices' }, this.playback.element, this.other),
    ];
    return make('div', { className: 'compare' }, ...halves(pictures, text));
  }

  private changes(): HTMLElement {
    const list = make(
      'ol',
      { className: 'changes' },
      ...this.buttons.map((button) => make('li', {}, button)),
    );
    return make(
      'section',
      { className: 'change' },
      make('h3', {}, 'What each change brought'),
      prose(
        'Each change comes on top of the ones before it. The bar is the share of 1,000 {samples|sample} that a classifier is sure of; of real digits it is 96.7 %.',
        'muted',
      ),
      make(
        'div',
        { className: 'change-body' },
        make('div', {}, make('div', { className: 'images' }, this.row), this.about),
        list,
      ),
    );
  }

  private changeButton(name: string, accepted: number, i: number): HTMLButtonElement {
    const bar = make('span', { className: 'bar' });
    bar.style.setProperty('--share', `${accepted}%`);
    const button = make(
      'button',
      { type: 'button' },
      make('span', {}, `${i + 1} ${name}`),
      bar,
      make('span', {}, `${accepted.toFixed(1)} %`),
    );
    button.addEventListener('click', () => this.choose(i));
    return button;
  }

  private choose(change: number): void {
    this.change = change;
    this.buttons.forEach((button, i) => {
      button.ariaPressed = String(i === change);
    });
    const { about, after } = recipeSteps[change];
    this.about.replaceChildren(prose(about), prose(`After ${after} training steps.`, 'muted'));
    this.showRow();
  }

  private showRow(): void {
    const { picture, row, change } = this;
    const at = Math.min(change, ROW.count - 1);
    row.ariaLabel = `Ten samples of step ${at + 1}, ${recipeSteps[at].name}`;
    row.parentElement?.classList.toggle('faint', change !== at);
    if (!picture.complete || picture.naturalWidth === 0) return;
    const width = picture.naturalWidth - ROW.left;
    Object.assign(row, { width, height: ROW.height });
    const rows = picture.naturalHeight / ROW.count;
    row.getContext('2d')!.drawImage(picture, ROW.left, at * rows, width, rows, 0, 0, width, ROW.height);
  }
}

const paper = new Uint8Array(10 * 28 * 28).fill(14);
const NO_GPU =
  'Recorded, as there is no GPU here: digits of the recipe digits. What the tutorial’s network makes is the first row below.';
