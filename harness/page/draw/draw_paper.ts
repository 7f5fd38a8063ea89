/** The left half of the Draw tab: the field, its tools, and what was drawn. */
import type { App } from '../shell/app';
import { anyElement, button } from '../shell/dom';
import { setDisabled } from '../shell/focus';
import { type Drawing, nothing, type Tool, tools } from '../shell/strokes';
import { DrawField } from './draw_field';
import { DrawHistory } from './draw_history';
import { connectKeys, connectPointer, type Pen } from './draw_pen';

export class DrawPaper {
  private readonly app: App;
  private readonly history = new DrawHistory();
  private readonly field = new DrawField();
  private tool: Tool = 'draw';

  /** `takeExample` brings a training image. */
  constructor(app: App, takeExample: () => void) {
    this.app = app;
    const pen: Pen = {
      begin: (point) => this.change(() => this.history.begin(this.tool, point)),
      extend: (point) => this.change(() => this.history.extend(point)),
      undo: () => this.change(() => this.history.undo()),
    };
    connectPointer(anyElement('draw-field'), pen);
    connectKeys(anyElement('draw-field'), pen, (cursor) => {
      // What the key has drawn is a part of what it points at.
      this.field.show(this.drawing);
      this.field.point(cursor);
    });
    for (const tool of tools) button(`tool-${tool}`).addEventListener('click', () => this.choose(tool));
    button('draw-undo').addEventListener('click', pen.undo);
    button('draw-clear').addEventListener('click', () => this.clear());
    button('draw-example').addEventListener('click', takeExample);
  }

  get drawing(): Drawing {
    return this.history.current;
  }

  get isBlank(): boolean {
    return this.drawing.strokes.length === 0 && !this.drawing.picture;
  }

  choose(tool: Tool): void {
    this.change(() => {
      this.tool = tool;
    });
  }

  clear(): void {
    this.change(() => this.history.put(nothing));
  }

  /** Goes on with a picture, 0 to 255. */
  take(picture: Uint8Array): void {
    this.change(() => this.history.put({ picture, strokes: [] }));
  }

  render(): void {
    const masks = this.app.settings.ask === 'fill';
    for (const each of tools) button(`tool-${each}`).setAttribute('aria-pressed', String(each === this.tool));
    button('tool-mask').hidden = !masks;
    setDisabled(button('draw-undo'), !this.history.canUndo);
    setDisabled(button('draw-clear'), this.isBlank);
    setDisabled(button('draw-example'), ['starting', 'failed'].includes(this.app.state.phase));
    this.field.show(this.drawing);
    this.field.showMask(masks);
  }

  private change(change: () => void): void {
    change();
    this.app.changed();
  }
}
