/** "Teach it your hand": drawings that are kept, each with its digit, for the pretrained network to train on. */
import { recipes } from '../../../src/recipes';
import { SIDE } from '../../pictures/strokes';
import { plural } from '../../text/units';
import { fineTuning, whyNew } from '../messages/fine_tune';
import { eventPatch, isFreed, type WorkerEvent } from '../messages/messages';
import { countHeldOut, type Key, type Settings, settingText } from '../messages/settings';
import { imagesOfDrawings, type KeptDrawing, nameOfDrawings } from '../runs/kept_drawings';
import type { App } from '../shell/app';
import {
  anyElement,
  button,
  byId,
  make,
  makeButton,
  onClick,
  setDisabled,
  setHidden,
  setMessage,
  setText,
} from '../shell/dom';
import { ImageView } from '../shell/images';
import { isFixed } from '../shell/state';

/** Drawings that will do. */
const ENOUGH = 10;
/** The settings that fine-tuning changes. */
const CHANGED = ['widths', 'limit', 'begin', 'batch', 'epochs', 'lr'] as const satisfies readonly Key[];

export class Teach {
  private readonly app: App;
  private readonly digit = byId('teach-digit', HTMLSelectElement);
  private kept: readonly KeptDrawing[] = [];
  /** Whether there is a drawing, and whether its digit is known: from an example, or from the visitor. */
  private drawn = false;
  private known = false;
  /** The name of the images with which training begins as soon as they are loaded. */
  private starting: string | undefined;
  /** The settings before fine-tuning. They come back when its run is reset, or could not be built. */
  private before: Settings | undefined;

  /** `drawn` is the drawing as the network sees it, undefined if there is none; `next` makes room for another. */
  constructor(app: App, drawn: () => Uint8Array<ArrayBuffer> | undefined, next: () => void) {
    this.app = app;
    this.digit.replaceChildren(...Array.from({ length: 10 }, (_, digit) => new Option(String(digit))));
    this.digit.addEventListener('change', () => {
      this.known = true;
    });
    onClick('teach-keep', () => {
      const image = drawn();
      setMessage('keep-problem', image ? undefined : 'Nothing is drawn yet: draw a digit first.');
      if (!image) return;
      this.keep([...this.kept, { image, digit: this.digit.selectedIndex }]);
      this.digit.selectedIndex = (this.digit.selectedIndex + 1) % 10;
      next();
    });
    onClick('teach-start', () => this.startWithDrawings());
    onClick('teach-own', () => this.start());
  }

  receive(event: WorkerEvent): void {
    const { run, phase } = this.app.state;
    const { data, resumed } = eventPatch(event);
    if (event.type === 'problem') {
      this.starting = undefined;
      // Its run could not be built.
      if (event.at === 'task' && phase === 'compiling' && !run) this.giveBack();
    } else if (data && data.name === this.starting) this.start();
    // They come back with their run.
    else if (resumed && this.kept.length === 0) this.keep(this.app.kept.drawings);
    else if (isFreed(event)) {
      this.complain(undefined);
      this.giveBack();
    }
  }

  /** Chooses the digit of an example, if it has one. */
  know(digit: number | undefined): void {
    if (digit === undefined) return;
    this.digit.selectedIndex = digit;
    this.known = true;
  }

  /** Chooses what the network reads in a drawing whose digit is not known, if that is a digit. */
  read(name: string | undefined): void {
    const digit = [...this.digit.options].findIndex(({ text }) => text === name);
    if (!this.known && digit >= 0) this.digit.selectedIndex = digit;
  }

  /** `drawn`: there is a drawing. `isDigit`: it may be a digit, which alone can be kept. */
  render(drawn: boolean, isDigit: boolean): void {
    setDisabled('teach-keep', !isDigit);
    button('teach-keep').title = isDigit
      ? ''
      : 'Only digits are kept: choose the pretrained network, and draw one';
    if (this.drawn && !drawn) this.known = false;
    this.drawn = drawn;
    if (drawn) setMessage('keep-problem', undefined);
    const { length } = this.kept;
    setText('teach-count', length < ENOUGH ? `${length} of ${ENOUGH}` : plural(length, 'drawing'));
    setHidden('teach-go', length === 0);
    setDisabled('teach-start', this.app.measuring !== undefined);
    setText('teach-start', `Fine-tune on ${plural(length, 'drawing')}`);
  }

  /** The button on the Train view, where images land that are dropped. */
  renderOwn(): void {
    const { data } = this.app.state;
    const { widths } = recipes.digits.network;
    const own = data !== undefined && !data.builtIn && !isFixed(this.app.state);
    const fits = own && data.classes !== undefined && !whyNew({ recipe: 'digits', widths }, data);
    setHidden('teach-own', !fits);
    setDisabled('teach-own', this.app.measuring !== undefined);
    setText('teach-own', fits ? `Fine-tune on ${data.name} (${plural(data.count, 'image')})` : '');
  }

  private complain(problem: string | undefined): void {
    setMessage('teach-problem', problem);
  }

  private keep(kept: readonly KeptDrawing[]): void {
    this.kept = kept;
    this.complain(undefined);
    anyElement('teach-drawings').replaceChildren(...kept.map((each) => this.itemOf(each)));
    this.app.changed();
  }

  private itemOf(kept: KeptDrawing): HTMLLIElement {
    const canvas = make('canvas');
    const take = () => {
      this.keep(this.kept.filter((each) => each !== kept));
      button('teach-keep').focus();
    };
    const remove = makeButton(String(kept.digit), take, { ariaLabel: `Remove this ${kept.digit}` });
    remove.prepend(make('span', { className: 'images' }, canvas));
    new ImageView(canvas).show({ bytes: kept.image, height: SIDE, width: SIDE, channels: 1, columns: 1 });
    return make('li', {}, remove);
  }

  private startWithDrawings(): void {
    if (this.isRunning()) return;
    const [{ digit }] = this.kept;
    if (this.kept.every((each) => each.digit === digit)) {
      this.complain(
        `All kept drawings show a ${digit}. Keep at least one of another digit, or the network forgets the others.`,
      );
      return;
    }
    this.app.set('recipe', 'digits');
    this.starting = nameOfDrawings(this.kept);
    this.app.kept.drawings = this.kept;
    this.app.send('data', imagesOfDrawings(this.kept));
  }

  /** Trains the pretrained network on the images that the page has. */
  private start(): void {
    this.starting = undefined;
    const { data } = this.app.state;
    if (this.isRunning() || !data) return;
    this.app.set('recipe', 'digits');
    this.before = this.app.settings;
    const held = countHeldOut(this.before, data.count);
    const { batch, epochs, lr } = fineTuning(Math.max(1, data.count - held));
    const { widths } = recipes.digits.network;
    this.set({ ...this.app.settings, widths, limit: 0, begin: 'pretrained', batch, epochs, lr });
    this.app.set('task', 'train');
    this.app.train();
  }

  private giveBack(): void {
    if (this.before) this.set(this.before);
    this.before = undefined;
  }

  private set(settings: Settings): void {
    for (const key of CHANGED) this.app.set(key, settingText(key, settings));
  }

  private isRunning(): boolean {
    const running = isFixed(this.app.state);
    this.complain(
      running
        ? 'A run is in progress. To keep it, save its checkpoint in Train. Then reset it, and fine-tune again.'
        : undefined,
    );
    return running;
  }
}
