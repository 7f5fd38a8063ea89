/** What diffusion is, and four scenes, one at a time, at the reader's pace: by buttons, arrow keys, or the address. */
import './explain.css';
import type { WorkerEvent } from '../messages/messages';
import type { App } from '../shell/app';
import { isStill, make, setDisabled, setText } from '../shell/dom';
import { linkTo } from '../sources/links';
import { showSources } from '../sources/sources';
import type { Recording } from '../welcome/recording';
import { DiffusionScene } from './diffusion_scene';
import { LearningScene } from './learning_scene';
import { NoiseScene } from './noise_scene';
import { OwnScene } from './own_scene';
import { SamplingScene } from './sampling_scene';
import type { Scene, SceneStage } from './scene';

/** By their numbers in the address. */
const SCENES = [DiffusionScene, NoiseScene, LearningScene, SamplingScene, OwnScene];
const LAST = SCENES.length - 1;

export class Explain {
  private readonly app: App | undefined;
  private readonly host: HTMLElement;
  private readonly back = make('button', { type: 'button' }, 'Back');
  private readonly next = make(
    'button',
    { type: 'button', id: 'explain-next', className: 'primary' },
    'Next',
  );
  private readonly place = make('p', { className: 'muted scene-place', role: 'status' });
  private readonly title = make('h2');
  private readonly head = make(
    'div',
    { className: 'scene-head' },
    this.title,
    make('div', { className: 'scene-steps' }),
  );
  private readonly stage = make('div');
  private readonly reading = make('p', { className: 'muted scene-reading' });
  /** The shader that was chosen from the reading. */
  private readonly source = make('div', { className: 'scene-source' });
  private readonly scenes: readonly Scene[];
  /** Without an app the scene stands in no address. */
  private at = 0;
  private shown: number | undefined;
  /** Whether the reader has come from another scene: one that a link opens stands by itself. */
  private hasBegun = false;

  constructor(host: HTMLElement, recording: Recording, app?: App) {
    this.host = host;
    this.app = app;
    this.head.lastElementChild!.append(this.back, this.place, this.next);
    this.back.addEventListener('click', () => this.go(this.hasBegun ? -1 : -LAST));
    this.next.addEventListener('click', () => this.go(1));
    host.addEventListener('keydown', (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -1, PageDown: 1 }[event.key];
      // A slider, and what scrolls, have a use of their own for these keys.
      const used = (event.target as Element).matches('input, select, [tabindex="0"]');
      if (!by || used || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.go(by);
    });
    const stage: SceneStage = { app, recording, still: isStill(), changed: () => this.changed() };
    this.scenes = SCENES.map((Kind) => new Kind(stage));
    this.changed();
  }

  receive(event: WorkerEvent): void {
    for (const { questions } of this.scenes) for (const question of questions) question.receive(event);
  }

  render(): void {
    const scene = this.scenes[this.number];
    if (!scene) return;
    // Nothing stands there before: a title without words, and buttons that do nothing.
    if (this.shown === undefined) this.host.replaceChildren(this.head, this.stage, this.reading, this.source);
    this.hasBegun ||= this.number === 0;
    setDisabled(this.back, this.number === 0);
    setText(this.back, this.hasBegun ? 'Back' : 'First scene');
    setDisabled(this.next, this.number === LAST);
    if (this.shown !== this.number) {
      this.shown = this.number;
      setText(this.title, scene.title);
      const said = make('span', { className: 'visually-hidden' }, `: ${scene.title}`);
      this.place.replaceChildren(`${this.number + 1} of ${LAST + 1}`, said);
      this.stage.replaceChildren(scene.element);
      this.source.replaceChildren();
      const links = scene.reading.flatMap(([path, subject], i) => [
        i > 0 ? ' · ' : '',
        path.endsWith('.wgsl') ? this.shaderButton(path, subject) : linkTo(path, subject),
      ]);
      this.reading.replaceChildren('Read on: ', ...links);
    }
    scene.render();
  }

  /** Shows a shader below the scene, beside its reference, and hides it again. */
  private shaderButton(path: string, subject: string): HTMLButtonElement {
    const name = path.replace(/^.*\/|\.wgsl$/g, '');
    const button = make('button', { type: 'button', className: 'link', ariaExpanded: 'false' }, subject);
    button.addEventListener('click', () => {
      const shows = button.ariaExpanded === 'false';
      for (const each of this.reading.querySelectorAll('button')) each.ariaExpanded = 'false';
      button.ariaExpanded = String(shows);
      this.source.replaceChildren(...(shows ? [showSources(name, [name])] : []));
    });
    return button;
  }

  private get number(): number {
    return this.app?.settings.scene ?? this.at;
  }

  private go(by: number): void {
    const to = Math.min(Math.max(this.number + by, 0), LAST);
    if (to === this.number) return;
    this.at = to;
    this.hasBegun = true;
    this.app?.set('scene', String(to));
    if (!this.app) this.render();
    // The title may be out of sight above, on a phone.
    if (this.host.getBoundingClientRect().top < 0) this.host.scrollIntoView();
  }

  private changed(): void {
    if (this.app) this.app.changed();
    else this.render();
  }
}
