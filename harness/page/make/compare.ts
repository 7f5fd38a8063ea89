/** Two columns of the Make view, made from the same noise one after the other: by other network calls, another guidance or another network. */
import { fileName } from '../messages/order';
import { columnChoices } from '../messages/settings';
import { anyElement, button, byId, onClick, setDisabled, setHidden, setMessage, setText } from '../shell/dom';
import { ImageView, type Tiles, toPng } from '../shell/images';
import { networkIn } from '../shell/state';
import { stepTiles } from '../shell/trajectory';
import { callsText, columnMaking, NAMES, stepsText, usualPair } from './making';
import type { SampleOrders } from './orders';
import { stepText } from './sample_views';
import { saveAs } from './share';

export function connectComparison(orders: SampleOrders): () => void {
  const { app, stage } = orders;
  const way = byId('way', HTMLInputElement);
  const views = (['left', 'right'] as const).map((side) => {
    const select = byId(`${side}-choice`, HTMLSelectElement);
    select.append(...columnChoices.map((choice) => new Option(NAMES[choice], choice)));
    select.addEventListener('change', () => {
      app.set(side, select.value);
      orders.again();
    });
    const canvas = byId(`column-${side}`, HTMLCanvasElement);
    return { side, select, canvas, view: new ImageView(canvas) };
  });
  way.addEventListener('input', () => app.changed());
  onClick('compare', () => {
    const [left, right] = (!orders.pair && usualPair(app)) || (['', ''] as const);
    app.address.take({ left, right });
    orders.again();
  });
  onClick('save-columns', () => {
    const { steps, tiles } = shown();
    const [left, right] = tiles;
    if (!left || !right) return;
    const { network, order } = steps[1]!;
    const name = fileName(network, { ...order, source: app.source }, orders.pair!.join('-'), 'png');
    saveAs(name, (files) => toPng(files.beside(left.bytes, right.bytes, left)));
  });

  /** The step of each column at the place of the slider, and its images: finished ones are enlarged in both, or in neither. */
  const shown = () => {
    const steps = (orders.pair ?? []).map((choice) => {
      const { all } = stage.columns[choice];
      return all.at(Math.round((Number(way.value) / 100) * (all.length - 1)));
    });
    const all = (of: typeof stepTiles): readonly (Tiles | undefined)[] =>
      steps.map((step) => step && of(step));
    const large = all((step) => orders.shownOf(step));
    return { steps, tiles: large.every((tiles) => tiles?.enlarged) ? large : all(stepTiles) };
  };

  return () => {
    const { pair } = orders;
    anyElement('panel-sample').classList.toggle('comparing', pair !== undefined);
    setHidden('compare', !pair && !usualPair(app));
    button('compare').ariaPressed = String(pair !== undefined);
    if (!pair) return;
    const { steps, tiles } = shown();
    setDisabled('save-columns', !(tiles[0] && tiles[1]));
    const words = `${way.value} % of the way`;
    way.ariaValueText = words;
    setText('way-label', words);
    for (const [i, { side, select, canvas, view }] of views.entries()) {
      const choice = pair[i];
      const step = steps[i];
      select.value = choice;
      const making = step?.order ?? columnMaking(choice, app);
      const problem = typeof making === 'string' ? making : undefined;
      setMessage(`${side}-problem`, problem);
      canvas.parentElement!.hidden = problem !== undefined;
      canvas.ariaLabel = `${NAMES[choice]}: ${stepText(step)}`;
      view.show(tiles[i] ?? orders.noise);
      if (typeof making === 'string') setText(`${side}-note`, '');
      else {
        const network = networkIn(making.source, app.state, app.settings);
        setText(`${side}-note`, `${stepsText(making, network)} · ${callsText(making, network)}`);
      }
    }
  };
}
