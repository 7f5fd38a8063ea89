/** Two columns of the Make view, made from the same noise one after the other: by other network calls, another guidance or another network. */

import { plural, whole } from '../../text/units';
import type { ModelDescription, Order } from '../messages/messages';
import { columnsOf, fileName } from '../messages/order';
import {
  type CallsChoice,
  type ColumnChoice,
  columnChoices,
  initialOf,
  type PageRecipe,
  type Source,
} from '../messages/settings';
import type { App } from '../shell/app';
import { button, byId, onClick, setHidden, setMessage, setText } from '../shell/dom';
import { connectFields } from '../shell/fields';
import { ImageView, noiseTiles, type Tiles } from '../shell/images';
import { networkIn } from '../shell/state';
import { Trajectory } from '../shell/trajectory';
import { callsIn, type Making, makingOf } from './calls';
import type { Maker } from './sample_views';
import type { Frame } from './stage';

type Network = Omit<ModelDescription, 'name'>;
type Wanted = Omit<Order, keyof Making>;

const NAMES: Readonly<Record<ColumnChoice, string>> = {
  ...{ 'calls-2': '2 calls', 'calls-8': '8 calls', 'calls-40': '40 calls' },
  ...{ 'guidance-1': 'guidance 1', 'guidance-2': 'guidance 2', 'guidance-4': 'guidance 4' },
  ...{ pretrained: 'the pretrained network', run: 'this run' },
};

const sides = ['left', 'right'] as const;
type Side = (typeof sides)[number];
type Choices = Readonly<Record<Side, ColumnChoice>>;

/** What the page compares where only one column is chosen, or none: the first that its networks can show. */
const USUAL: readonly Choices[] = [
  { left: 'calls-2', right: 'calls-40' },
  { left: 'guidance-1', right: 'guidance-4' },
  { left: 'calls-8', right: 'calls-40' },
  { left: 'pretrained', right: 'run' },
];

/** Networks of the page, as far as columns need to know them. */
export interface Networks {
  readonly recipe: PageRecipe;
  /** The network that is chosen. */
  readonly source: Source;
  readonly chosen: Network;
  readonly pretrained: Network;
  /** The run's, and whether it has been trained. */
  readonly run: Network;
  readonly trained: boolean;
}

/** How a column is made, or the sentence that says why it cannot be. Pure. */
export function columnOf(choice: ColumnChoice, networks: Networks): Making | string {
  const { recipe, source, chosen, pretrained, run, trained } = networks;
  const usual = initialOf(recipe);
  if (choice === 'pretrained' || choice === 'run') {
    if (!trained) return 'There is no run to compare with: train one first.';
    const differs = (['height', 'width', 'channels', 'classes'] as const).some(
      (key) => pretrained[key] !== run[key],
    );
    if (differs || run.recipe === 'tutorial')
      return `The pretrained network and this run make different things: ${thingsOf(pretrained)}, and ${thingsOf(run)}.`;
    return makingOf(usual, choice, choice === 'run' ? run : pretrained);
  }
  if (chosen.recipe === 'tutorial') return 'The tutorial’s network has no guidance, and one way of sampling.';
  if (chosen.sampling.calls)
    return `This network is distilled to ${plural(chosen.sampling.calls, 'call')}: that is its only way.`;
  const [kind, value] = choice.split('-');
  if (kind === 'guidance') {
    if (chosen.classes === 0) return 'This network knows no classes, so guidance changes nothing.';
    return { ...makingOf(usual, source, chosen), guidance: Number(value) };
  }
  const calls = value as CallsChoice;
  if (calls === '2' && source !== 'pretrained')
    return 'The two-call network was taught by the pretrained one. This network has none yet: distil it in Train.';
  return makingOf({ ...usual, calls }, source, chosen);
}

/** The columns with which a comparison opens; undefined where these networks can show none. Pure. */
export const usualColumns = (networks: Networks): Choices | undefined =>
  USUAL.find(({ left, right }) =>
    [left, right].every((choice) => typeof columnOf(choice, networks) !== 'string'),
  );

const thingsOf = ({ height, width, channels, classes }: Network) =>
  `${height} × ${width} pixels ${channels === 3 ? 'in colour' : 'in grey'} of ${classes > 0 ? `${classes} classes` : 'no classes'}`;

/** What a column says of how it is made. */
function noteOf({ source, steps }: Making, calls: number): string {
  const made = `${plural(steps, 'step')} · ${plural(calls, 'network call')}`;
  return source === 'instant' ? `${made}: it was taught to do it in two` : made;
}

/** The images of both columns, the network that was chosen when they were ordered, and how each is made. */
interface Ordered {
  readonly wanted: Wanted;
  readonly by: Maker;
  readonly network: Network;
  readonly choices: Choices;
  readonly made: Readonly<Record<Side, Making | string>>;
}

export class TwoColumns {
  private readonly app: App;
  private readonly columns;
  private readonly fields: ReturnType<typeof connectFields>;
  private readonly share = byId('way', HTMLInputElement);
  /** What both columns show, or will. */
  private ordered: Ordered | undefined;

  /** `again` makes both anew where something is shown. */
  constructor(app: App, again: () => void) {
    this.app = app;
    const changed = () => app.changed();
    const column = (side: Side) => ({
      trajectory: new Trajectory(changed),
      view: new ImageView(`column-${side}`),
    });
    this.columns = { left: column('left'), right: column('right') };
    for (const side of sides)
      byId(`${side}-choice`, HTMLSelectElement).append(
        ...columnChoices.map((choice) => new Option(NAMES[choice], choice)),
      );
    const form = byId('columns', HTMLFormElement);
    this.fields = connectFields(app, form);
    form.addEventListener('change', again);
    this.share.addEventListener('input', changed);
    onClick('compare', () => {
      const { left, right } = this.on ? { left: '', right: '' } : this.usual;
      app.set('left', left);
      app.set('right', right);
      again();
    });
  }

  get on(): boolean {
    const { settings, network } = this.app;
    return network.recipe !== 'tutorial' && (settings.left !== '' || settings.right !== '');
  }

  /** Whether its columns are made, or being made. */
  get begun(): boolean {
    return this.ordered !== undefined;
  }

  /** The network that was chosen when the shown columns were ordered; undefined if none are shown. */
  get maker(): Maker | undefined {
    return sides.some((side) => this.columns[side].trajectory.shown) ? this.ordered?.by : undefined;
  }

  /** The steps of both columns of these images, one after the other. */
  async *make(wanted: Wanted, signal: AbortSignal): AsyncGenerator<Frame> {
    const { source, state, network } = this.app;
    const by = { source, trained: state.losses.length };
    const choices = { left: this.choice('left'), right: this.choice('right') };
    const made = { left: this.made('left'), right: this.made('right') };
    this.ordered = { wanted, by, network, choices, made };
    for (const side of sides) {
      const way = made[side];
      if (typeof way === 'string') continue;
      const { trajectory } = this.columns[side];
      for await (const step of this.app.make({ ...wanted, ...way }, signal)) yield { step, on: trajectory };
      if (!trajectory.complete) return;
    }
  }

  forget(): void {
    this.ordered = undefined;
    for (const side of sides) this.columns[side].trajectory.clear();
  }

  /** Whether a column was made by the network of this source. */
  shows(source: Source): boolean {
    const isOf = ({ shown, origin }: Trajectory) => shown !== undefined && origin?.order.source === source;
    return sides.some((side) => isOf(this.columns[side].trajectory));
  }

  private choice(side: Side): ColumnChoice {
    return this.app.settings[side] || this.usual[side];
  }

  private get usual(): Choices {
    return usualColumns(this.networks) ?? USUAL[0];
  }

  private get networks(): Networks {
    const { state, settings, source, network: chosen } = this.app;
    const [pretrained, run] = (['pretrained', 'run'] as const).map((each) =>
      networkIn(each, state, settings),
    );
    const trained = state.losses.length > 0;
    return { recipe: settings.recipe, source, chosen, pretrained, run, trained };
  }

  /** How the next order makes a column. */
  private made(side: Side): Making | string {
    return columnOf(this.choice(side), this.networks);
  }

  /** Both columns as they are shown, and the name of their file; undefined while one is missing. */
  get shown() {
    const { ordered } = this;
    const { left, right } = this.tiles;
    if (!this.on || !ordered || !left || !right) return undefined;
    const { network, by, choices } = ordered;
    const { origin } = this.columns.right.trajectory;
    const which = `${choices.left}-${choices.right}`;
    const name = fileName(network, { ...origin!.order, source: by.source }, which, 'png');
    return { left, right, name };
  }

  /** What each column shows at the place of the slider: finished images are enlarged in both, or in neither. */
  private get tiles(): Readonly<Record<Side, Tiles | undefined>> {
    const { enlargements } = this.app;
    const [[left, largeLeft], [right, largeRight]] = sides.map((side) => {
      const { finished, origin, shape } = this.columns[side].trajectory;
      const frame = this.frameOf(side);
      const own = frame && { bytes: frame.prediction, ...shape };
      const large = finished && enlargements.of(finished, origin!.order.source);
      return [own, own?.bytes === finished?.bytes ? large : undefined];
    });
    return largeLeft && largeRight ? { left: largeLeft, right: largeRight } : { left, right };
  }

  /** The picture of a column at the place of the slider. */
  private frameOf(side: Side): Trajectory['shown'] {
    const { frames } = this.columns[side].trajectory;
    return frames[Math.round((Number(this.share.value) / 100) * (frames.length - 1))];
  }

  /** `wanted`: the images that the next order makes. */
  render(wanted: Wanted): void {
    const { on, share, ordered } = this;
    setHidden('comparison', !on);
    setHidden('one', on);
    setHidden('compare', !on && !usualColumns(this.networks));
    button('compare').ariaPressed = String(on);
    if (!on) return;
    // What was made by one choice does not stand under the name of another.
    if (ordered && sides.some((side) => ordered.choices[side] !== this.choice(side))) this.forget();
    this.fields.render();
    const { tiles } = this;
    for (const side of sides) this.renderColumn(side, this.ordered?.wanted ?? wanted, tiles[side]);
    const way = `${share.value} % of the way`;
    share.ariaValueText = way;
    setText('way-label', way);
  }

  private renderColumn(side: Side, wanted: Wanted, tiles: Tiles | undefined): void {
    const { columns, ordered } = this;
    const { trajectory, view } = columns[side];
    const select = byId(`${side}-choice`, HTMLSelectElement);
    select.value = this.choice(side);
    const made = (trajectory.shown && ordered?.made[side]) ?? this.made(side);
    const problem = typeof made === 'string' ? made : undefined;
    setMessage(`${side}-problem`, problem);
    const frame = this.frameOf(side);
    const { network } = this.app;
    if (!tiles)
      view.show(
        noiseTiles(wanted.seed, wanted.count, network, columnsOf(wanted, network.classes), wanted.place),
      );
    else if (view.shown?.bytes !== tiles.bytes) view.show(tiles);
    const canvas = byId(`column-${side}`, HTMLCanvasElement);
    canvas.parentElement!.hidden = problem !== undefined;
    const at = frame && `step ${whole(frame.step)} of ${whole(trajectory.steps)}`;
    canvas.ariaLabel = `${NAMES[this.choice(side)]}: ${at ?? 'no steps yet'}`;
    setText(`${side}-note`, typeof made === 'string' ? '' : noteOf(made, this.callsOf(made)));
  }

  private callsOf(made: Making): number {
    const { state, settings } = this.app;
    return callsIn(made, networkIn(made.source, state, settings));
  }
}
