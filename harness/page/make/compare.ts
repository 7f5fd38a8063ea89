/** Two columns of the Make view, made from the same noise one after the other: by other network calls, another guidance or another network. */
import { fileName } from '../messages/order';
import { columnChoices } from '../messages/settings';
import { anyElement, button, byId, onClick, setDisabled, setHidden, setMessage, setText } from '../shell/dom';
import { ImageView, pngOf, type Tiles } from '../shell/images';
import { networkIn } from '../shell/state';
import type { Trajectory } from '../shell/trajectory';
import { callsText, stepsText } from './calls';
import { columnOf, NAMES, usualPair } from './columns';
import type { Orders } from './orders';
import { stepText } from './sample_views';
import { saveAs } from './share';

export function connectComparison(orders: Orders): { render(): void } {
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
    app.address.take({ ...app.settings, left, right });
    orders.again();
  });
  onClick('save-columns', () => {
    const { pair } = orders;
    const [left, right] = tilesOf(shown());
    if (!pair || !left || !right) return;
    const { network, order } = stage.columns[pair[1]].origin!;
    const name = fileName(network, { ...order, source: app.source }, pair.join('-'), 'png');
    saveAs(name, (files) => pngOf(files.beside(left.bytes, right.bytes, left)));
  });

  const shown = () => (orders.pair ?? []).map((choice) => stage.columns[choice]);
  /** The step of a column at the place of the slider. */
  const frameOf = ({ all }: Trajectory) => all[Math.round((Number(way.value) / 100) * (all.length - 1))];
  /** What each column shows there: finished images are enlarged in both, or in neither. */
  const tilesOf = (columns: readonly Trajectory[]): readonly (Tiles | undefined)[] => {
    const own = columns.map((column) => {
      const frame = frameOf(column);
      return frame && { bytes: frame.prediction, ...column.shape };
    });
    const large = columns.map((column) =>
      frameOf(column) === column.last ? orders.finished(column) : undefined,
    );
    return large.every((tiles) => tiles) ? large : own;
  };

  return {
    render() {
      const { pair } = orders;
      anyElement('panel-sample').classList.toggle('comparing', pair !== undefined);
      setHidden('compare', !pair && !usualPair(app));
      button('compare').ariaPressed = String(pair !== undefined);
      if (!pair) return;
      const columns = shown();
      const tiles = tilesOf(columns);
      setDisabled(
        'save-columns',
        tiles.some((each) => !each),
      );
      const words = `${way.value} % of the way`;
      way.ariaValueText = words;
      setText('way-label', words);
      for (const [i, { side, select, canvas, view }] of views.entries()) {
        const [choice, column] = [pair[i], columns[i]];
        select.value = choice;
        const making = (column.shown && column.origin?.order) ?? columnOf(choice, app);
        const problem = typeof making === 'string' ? making : undefined;
        setMessage(`${side}-problem`, problem);
        canvas.parentElement!.hidden = problem !== undefined;
        canvas.ariaLabel = `${NAMES[choice]}: ${stepText(column, frameOf(column))}`;
        view.show(tiles[i] ?? orders.noise);
        if (typeof making === 'string') setText(`${side}-note`, '');
        else {
          const network = networkIn(making.source, app.state, app.settings);
          setText(`${side}-note`, `${stepsText(making, network)} · ${callsText(making, network)}`);
        }
      }
    },
  };
}
