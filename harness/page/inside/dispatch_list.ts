/** The list of a training step's dispatches. A row opens to the shader beside its reference. */
import type { ListedOp, StepStage } from '../../run/step_list';
import { whole } from '../../text/units';
import type { InsideAnswer, Listed } from '../messages/inside_messages';
import { byId, make, makeButton, setHidden, setText } from '../shell/dom';
import { cell, element } from '../shell/table';
import { showSources } from '../sources/sources';
import { numberText } from './part_view';

const COLUMNS = 7;
const TITLES: Record<StepStage, string> = {
  corrupt: 'Corrupt',
  forward: 'Forward',
  loss: 'Loss',
  backward: 'Backward',
  update: 'Update',
};

/** Opens an editor of a shader in `box`. `op` is the place of its op in the list; `closed` is called when the editor closes. */
export type EditShader = (
  box: HTMLElement,
  shader: string,
  op: number,
  listed: Listed,
  closed: () => void,
) => void;

export class DispatchList {
  private readonly edit: EditShader;
  private shown: Listed | undefined;
  /** The cells for the milliseconds of each op, and their values. */
  private cells: HTMLTableCellElement[] = [];
  private times: number[] = [];

  constructor(edit: EditShader) {
    this.edit = edit;
  }

  show(listed: Listed): void {
    if (listed === this.shown) return;
    this.shown = listed;
    this.cells = [];
    this.times = [];
    setText('dispatches-timed', '');
    setHidden('dispatches-time', false);
    const { ops, batch, ofRun } = listed;
    const count = ops.reduce((sum, { dispatches }) => sum + dispatches.length, 0);
    const flops = ops.reduce((sum, op) => sum + op.flops, 0);
    const bytes = ops.reduce((sum, op) => sum + op.bytes, 0);
    const which = ofRun ? 'the kernels of this run' : 'the usual kernels of this adapter';
    setText(
      'dispatches-about',
      `${whole(count)} dispatches for ${whole(batch)} images, with ${which}: ${numberText(flops / 1e9)} GFLOP, and at least ${numberText(bytes / 1e9)} GB to read and write.`,
    );
    const table = byId('dispatches', HTMLTableElement);
    for (const body of [...table.tBodies]) body.remove();
    let stage: StepStage | undefined;
    let body: HTMLTableSectionElement | undefined;
    for (const [at, op] of ops.entries()) {
      if (op.stage !== stage || !body) {
        stage = op.stage;
        body = table.createTBody();
        body.insertRow().append(heading(TITLES[stage]));
      }
      this.row(body, op, at, listed);
    }
    setHidden('dispatches-table', false);
  }

  /** Shows the milliseconds of an op. The first op clears all earlier times. */
  time(index: number, ms: number): void {
    if (index === 0) {
      this.times = [];
      for (const each of this.cells) setText(each, '–');
    }
    this.times[index] = ms;
    setText(this.cells[index], numberText(ms));
    setText('dispatches-timed', `Timed ${index + 1} of ${this.cells.length}`);
  }

  timed(clock: Extract<InsideAnswer, { kind: 'timedAll' }>['clock']): void {
    const sum = this.times.reduce((a, b) => a + b, 0);
    const by = clock === 'timestamp-query' ? 'the GPU’s own clock' : 'the clock of the host';
    setText(
      'dispatches-timed',
      clock === 'stopped'
        ? `Stopped after ${this.times.length} of ${this.cells.length}`
        : `One by one they take ${numberText(sum)} ms, by ${by}. Run together, they can overlap.`,
    );
  }

  private row(body: HTMLTableSectionElement, op: ListedOp, at: number, listed: Listed): void {
    const { kernel, variant, layer, dispatches, flops, bytes } = op;
    const row = body.insertRow();
    const toggle = make('button', { type: 'button', className: 'disclose', ariaExpanded: 'false' }, kernel);
    row.insertCell().append(toggle);
    cell(row, variant);
    cell(row, layer);
    const [first] = dispatches;
    cell(
      row,
      dispatches.length === 1 ? first.groups.join(' × ') : `${dispatches.length} dispatches`,
      'number',
    );
    cell(row, numberText(flops / 1e6), 'number');
    cell(row, numberText(bytes / 1e6), 'number');
    this.cells.push(cell(row, '–', 'number'));
    let detail: HTMLTableRowElement | undefined;
    toggle.addEventListener('click', () => {
      const open = toggle.ariaExpanded !== 'true';
      toggle.ariaExpanded = String(open);
      if (!detail) {
        detail = body.insertRow(row.sectionRowIndex + 1);
        detail.className = 'detail';
        const box = Object.assign(detail.insertCell(), { colSpan: COLUMNS });
        const edit: EditPanel = (panel, shader, closed) => this.edit(panel, shader, at, listed, closed);
        box.append(element('p', 'shape', `Shape: ${op.shape}`), sourcesOfOp(op, edit));
      }
      detail.hidden = !open;
    });
  }
}

function heading(text: string): HTMLTableCellElement {
  return make('th', { colSpan: COLUMNS, scope: 'rowgroup', className: 'stage-name' }, text);
}

type EditPanel = (panel: HTMLElement, shader: string, closed: () => void) => void;

/** The shaders of an op, each with its dispatches and a button to edit it, and the reference. */
function sourcesOfOp({ kernel, dispatches }: ListedOp, edit: EditPanel): HTMLElement {
  const names = [...new Set(dispatches.map(({ shader }) => shader))];
  return showSources(kernel, names, {
    shader: (name) => bindingsOf(dispatches.filter(({ shader }) => shader === name)),
    reference: 'The reference: plain loops, which every form of the kernel is compared with.',
    ready: (panel, name) => panel.querySelector('pre')!.before(editButton(panel, name, edit)),
  });
}

/** A dispatch in a line: its grid, and the buffers that it reads and writes. */
function bindingsOf(dispatches: ListedOp['dispatches']): string {
  const [{ groups, workgroupSize, tensors }] = dispatches;
  const times = dispatches.length > 1 ? `, ${dispatches.length} times` : '';
  const lists = (written: boolean) =>
    tensors
      .filter((t) => t.written === written)
      .map(({ binding, label, elements }) => `${binding}: ${label}, ${numberText((4 * elements) / 1e6)} MB`)
      .join('; ');
  const reads = lists(false);
  return `${groups.join(' × ')} workgroups of ${workgroupSize.join(' × ')}${times}.${reads ? ` Reads ${reads}.` : ''} Writes ${lists(true)}.`;
}

/** While the editor is open, it stands in place of the text. */
function editButton(panel: HTMLElement, shader: string, edit: EditPanel): HTMLElement {
  const open = () => {
    panel.classList.add('edited');
    edit(panel, shader, () => {
      panel.classList.remove('edited');
      button.focus({ preventScroll: true });
    });
  };
  const button = makeButton('Edit', open, { className: 'edit-shader', ariaLabel: `Edit ${shader}` });
  return button;
}
