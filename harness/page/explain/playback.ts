/** A slider over the steps of a trajectory, from noise to image, and the playing through them. */
import { setText } from '../shell/dom';
import { make, Slider } from './build';

const FRAME_MS = 110;

export class Playback {
  readonly element = make('div', { className: 'playback' });
  private readonly slider: Slider;
  private readonly button = make('button', { type: 'button', className: 'small' }, 'Play');
  private readonly changed: () => void;
  private timer: ReturnType<typeof setInterval> | undefined;
  private steps = 0;

  constructor(id: string, changed: () => void) {
    this.changed = changed;
    this.slider = new Slider(id, 't', 0, () => {
      this.stop();
      changed();
    });
    this.button.addEventListener('click', () => {
      if (this.timer) this.stop();
      else this.play();
      changed();
    });
    this.element.append(this.button, this.slider.element);
  }

  /** The step that is shown: 0 is noise, `steps` the image. */
  get at(): number {
    return Math.min(this.slider.value, this.steps);
  }

  /** Call this at each rendering. */
  render(steps: number): void {
    this.fit(steps);
    this.slider.say((1 - this.at / steps).toFixed(2));
    setText(this.button, this.timer ? 'Stop' : 'Play');
    // Nobody sees it any more.
    if (this.timer && !this.element.isConnected) this.stop();
  }

  /** There are other pictures: plays them, or where nothing should move by itself, shows the last one. */
  begin(steps: number, still: boolean): void {
    this.stop();
    this.fit(steps);
    if (still) this.slider.value = steps;
    else this.play();
  }

  private fit(steps: number): void {
    if (steps === this.steps) return;
    this.steps = steps;
    this.slider.input.max = String(steps);
  }

  /** From noise to the image, once. */
  private play(): void {
    this.stop();
    this.slider.value = 0;
    this.timer = setInterval(() => {
      this.slider.value = this.at + 1;
      if (this.at >= this.steps || !this.element.isConnected) this.stop();
      this.changed();
    }, FRAME_MS);
  }

  private stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
