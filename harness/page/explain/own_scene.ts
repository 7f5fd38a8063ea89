/** The last scene: what the visitor's run has learned, from sample to sample, or what was recorded of one, and an image on its way by its network. */
import { whole } from '../../text/units';
import type { Made } from '../messages/explain_messages';
import type { ImageSize } from '../messages/settings';
import type { Grid } from '../runs/history';
import { make, setText } from '../shell/dom';
import { isYoung, networkIn } from '../shell/state';
import { areAsSharp, isNoise } from './noise';
import { Figure, Guess, Playback, prose, Slider, sceneParts, showWay, WAY } from './parts';
import { Question, SCENE_SEED, type Scene, type SceneStage } from './scene';

/** What samples show, in the order of the answers. */
const SHOWS = ['noise', 'blots', 'images'];
const RECORDED = 'Recorded: a new network learns the digits. Yours is shown here as soon as it learns.';

/** Samples after more and more steps, from the same noise. */
interface Learning extends ImageSize {
  readonly samples: readonly (Grid & { readonly step: number })[];
  /** Whether the network has not learned enough to make images. */
  readonly isYoung: boolean;
}

export class OwnScene implements Scene {
  readonly title = 'Your own: watch it learn';
  readonly element = make('div', { className: 'scene' });
  readonly questions: readonly Question[];
  readonly reading = [['docs/recipe.md', 'from blots to digits']] as const;
  private readonly stage: SceneStage;
  private readonly question: Question<Made>;
  private readonly guess: Guess;
  private readonly playback: Playback;
  private readonly samples = new Figure('Samples', 'wide');
  private readonly way = new Figure(WAY, 'wide');
  private readonly about = make('p');
  private readonly links: HTMLElement;
  private readonly status = make('p', { className: 'muted scene-status', role: 'status' });

  constructor(stage: SceneStage) {
    this.stage = stage;
    this.question = new Question(stage.app);
    this.questions = [this.question];
    const slider = new Slider('explain-learning', 'Step', 0, stage.changed);
    this.playback = new Playback(slider, stage.changed);
    this.guess = new Guess('What does its first sample show?', ['Noise', 'Blots', 'Images'], () => {
      slider.glide(slider.value, 0, stage.still);
      stage.changed();
    });
    const lead = [
      prose(
        'From the same noise, again and again: {samples|sample} after more and more training {steps|step} show what a network has learned so far.',
      ),
      this.guess.element,
    ];
    this.links = make(
      'p',
      { className: 'buttons' },
      leadTo('?task=draw', 'teach-title', 'Teach it your hand'),
      leadTo('?task=train', 'data-about', 'Train on your own pictures'),
    );
    const pictures = [this.samples.element, this.playback.element, this.way.element];
    this.element.append(...sceneParts(lead, pictures, [this.about, this.links, this.status]));
  }

  render(): void {
    const { stage, question, playback, guess } = this;
    const { app } = stage;
    const steps = app?.state.losses.length ?? 0;
    if (steps > 0) question.ask({ kind: 'make', of: 'run', label: 0, seed: SCENE_SEED }, true);
    this.links.hidden = !app || steps > 0;
    setText(this.status, steps > 0 ? (question.status ?? '') : '');
    setText(this.about, steps > 0 ? `Your run, at step ${whole(steps)}.` : RECORDED);
    const { answer } = question;
    this.way.element.hidden = steps === 0 || !answer;
    if (answer) showWay(this.way, answer, 'an image');

    const shown = steps > 0 ? this.own() : this.recorded();
    const { slider } = playback;
    const { samples } = shown;
    const last = samples.length - 1;
    for (const part of [this.samples, guess]) part.element.hidden = last < 0;
    playback.element.hidden = last < 1;
    if (last < 0) return;
    // It follows the newest until it is moved.
    const follows = slider.value === slider.max && !slider.moves;
    slider.max = last;
    if (follows) slider.value = last;
    const { step, images: bytes, columns } = samples[slider.value];
    playback.render(last, whole(step));
    this.samples.show({ ...shown, bytes, columns }, `Samples after ${whole(step)} training steps`);
    guess.render(slider.moves, () => {
      const [first] = samples;
      const areImages = !shown.isYoung && areAsSharp(first.images, samples[last].images, shown);
      const right = isNoise(first.images, shown) ? 0 : areImages ? 2 : 1;
      return [right, `after step ${whole(first.step)} it made ${SHOWS[right]}`];
    });
  }

  private own(): Learning {
    const { state, settings, grids } = this.stage.app!;
    const { height, width, channels } = networkIn('run', state, settings);
    return {
      height,
      width,
      channels,
      samples: grids.all,
      isYoung: isYoung(state, settings),
    };
  }

  private recorded(): Learning {
    const { height, width, samples, learning } = this.stage.recording;
    return {
      height,
      width,
      channels: 1,
      isYoung: false,
      samples: samples.map((images, i) => ({ step: learning.at[i], images, columns: 10 })),
    };
  }
}

const leadTo = (href: string, id: string, words: string) => {
  const link = make('a', { href, className: 'button' }, words);
  link.dataset.lead = id;
  return link;
};
