/** Shows a trajectory: x and prediction of a step side by side, a slider over the steps, Play, and a sentence on what the step does. */
import type { App } from '../shell/app';
import { anyElement, button, byId, setText } from '../shell/dom';
import { setDisabled } from '../shell/focus';
import { whole } from '../shell/format';
import { ImageView, type Tiles } from '../shell/images';
import type { Trajectory } from '../shell/trajectory';

/** `before` returns what is shown as long as there are no steps. */
export function connectTrajectory(
  app: App,
  trajectory: Trajectory,
  before: () => { readonly x: Tiles; readonly prediction: Tiles },
): { render(): void } {
  const xView = new ImageView(byId('sample-x', HTMLCanvasElement));
  const predictionView = new ImageView(byId('sample-prediction', HTMLCanvasElement));
  const slider = byId('frame', HTMLInputElement);
  const play = button('play');
  slider.addEventListener('input', () => trajectory.choose(Number(slider.value)));
  play.addEventListener('click', () => {
    if (!trajectory.playing) trajectory.play();
    else {
      trajectory.stop();
      app.changed();
    }
  });

  /** What the shown step does. */
  const sentence = (left: number): string => {
    if (left === 0) return 'Each step moves x a little towards the prediction; the last one arrives there.';
    const method = app.network.recipe === 'tutorial' ? 'mix' : trajectory.order?.method;
    if (left === 1 && method === 'adams') return 'The last step leaves no noise: these are the images.';
    if (left === 1) return 'The last step takes the prediction itself: these are the images.';
    if (method === 'heun')
      return 'This step looks at x twice, at its beginning and at its end, and goes between the two ways.';
    if (method === 'adams' && left < trajectory.order!.steps)
      return 'This step goes the way that the network sees now, and on as that has changed since the step before.';
    return `After looking at x, this step moves it 1/${whole(left)} of the way to the prediction.`;
  };

  return {
    render() {
      const { shown, frames, shape } = trajectory;
      if (!shown) {
        const { x, prediction } = before();
        xView.show(x);
        predictionView.show(prediction);
      } else if (xView.shown?.bytes !== shown.x) {
        xView.show({ bytes: shown.x, ...shape });
        predictionView.show({ bytes: shown.prediction, ...shape });
      }
      const steps = trajectory.order?.steps ?? 0;
      slider.max = String(Math.max(0, frames.length - 1));
      slider.value = String(Math.max(0, trajectory.at));
      slider.disabled = frames.length < 2;
      setDisabled(play, frames.length < 2 || app.state.phase === 'sampling');
      setText(play, trajectory.playing ? 'Stop' : 'Play');
      const label = shown ? `step ${whole(shown.step)} of ${whole(steps)}` : 'no steps yet';
      setText(anyElement('frame-label'), label);
      slider.setAttribute('aria-valuetext', label);
      setText(anyElement('frame-note'), sentence(shown ? steps - shown.step + 1 : 0));
    },
  };
}
