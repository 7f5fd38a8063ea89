/** The Train view's offer to distil the run's network. */

import { eventPatch, isDistilled, type Patch } from '../messages/messages';
import { LossHistory } from '../runs/losses';
import type { App, Panel } from '../shell/app';
import { distillable, distilOffer, distilShare, distilStatus, mayDistil } from '../shell/distil_text';
import { anyElement, byId, download, onClick, setDisabled, setHidden, setText } from '../shell/dom';
import { loss as lossText } from '../shell/format';
import type { DistillingProgress } from '../shell/state';
import { Curve } from './curve';

const nothingElse = { heldOut: [], rates: [] } as const;
const none = LossHistory.of([]);

export function createDistilPanel(app: App): Panel {
  /** The result of the last distillation. */
  let distilled: Patch['distilled'];
  /** The last distillation, whose curve stays. */
  let shown: DistillingProgress | undefined;
  const curve = new Curve(anyElement('distil-curve'), { at: anyElement('distil-at') });
  curve.setScale('log');
  for (const calls of [1, 2] as const) {
    onClick(`distil-${calls}`, () => {
      if (mayDistil(app.state, app.settings)) app.send('distil', calls);
    });
  }
  onClick('distil-stop', () => app.send('stopDistilling'));
  onClick('distil-save', () => distilled && download(distilled.model.name, distilled.bytes));
  onClick('distil-make', () => {
    app.choose('file');
    app.set('task', 'sample');
  });

  return {
    receive(event) {
      if (eventPatch(event).distilling) {
        distilled = undefined;
        shown = app.state.distilling;
      } else if (isDistilled(event)) {
        ({ distilled } = eventPatch(event));
        if (!distilled) shown = undefined;
      }
    },
    render() {
      const { state, settings } = app;
      const { distilling } = state;
      const offered = distillable(state, settings);
      setHidden('distil', !offered && !distilled);
      if (anyElement('distil').hidden) return;
      for (const calls of [1, 2])
        setDisabled(`distil-${calls}`, app.measuring !== undefined || !mayDistil(state, settings));
      setHidden('distil-stop', !distilling);
      setHidden('distil-save', !distilled);
      // Another file may have replaced it.
      setHidden('distil-make', !distilled || distilled.model !== state.model);
      const done = distilled ? `Made ${distilled.model.name}. ` : '';
      const words = distilling
        ? distilStatus(distilling)
        : `${done}${offered ? distilOffer(state, settings) : ''}`;
      setText('distil-text', words);
      const bar = byId('distil-progress', HTMLProgressElement);
      bar.hidden = !distilling;
      bar.value = distilling ? distilShare(distilling) : 0;
      const losses = shown?.losses ?? none;
      setHidden('distil-curve', losses.length === 0);
      const last = losses.at(-1);
      const summary =
        last === undefined ? 'nothing yet' : `${lossText(losses.at(0)!)} at first, ${lossText(last)} now`;
      anyElement('distil-curve').ariaLabel = `Loss of each step of distilling: ${summary}`;
      const { recipe } = settings;
      const { batch, steps } = shown ?? { batch: 1, steps: 0 };
      curve.set({ ...nothingElse, losses, batch, stepsPerEpoch: steps + 1, recipe });
    },
  };
}
