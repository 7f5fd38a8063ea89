/** Shows the shaders of an open row, in colours, and the reference that they are compared with. */

import { make, offerAgain } from '../shell/dom';
import { orOffline } from '../shell/format';
import { element } from '../shell/table';
import type { SourceText } from './source_text';

/** Remarks about the texts, and the callback for a shader's text that was loaded. */
interface Remarks {
  readonly shader?: (name: string) => string;
  readonly reference?: string;
  readonly ready?: (panel: HTMLElement, shader: string) => void;
}

/** `shaders`: by name. The texts are loaded now. */
export function showSources(kernel: string, shaders: readonly string[], remarks: Remarks = {}): HTMLElement {
  const box = element('div', 'sources');
  const load = () => {
    box.replaceChildren(element('p', 'muted', 'Loading the sources'));
    fillSources(box, kernel, shaders, remarks).catch((error: Error) =>
      offerAgain(box, orOffline(`The sources cannot be shown: ${error.message}`), load),
    );
  };
  load();
  return box;
}

async function fillSources(
  box: HTMLElement,
  kernel: string,
  shaders: readonly string[],
  remarks: Remarks,
): Promise<void> {
  const { referenceSource, shaderSource } = await import('./source_text');
  const shown = shaders.map(async (name) => {
    const added = panel(`What the GPU runs: ${name}`, remarks.shader?.(name) ?? '', await shaderSource(name));
    remarks.ready?.(added, name);
    return added;
  });
  const reference = referenceSource(kernel).then((source) =>
    panel('What it must compute, in 64 bits', remarks.reference ?? '', source),
  );
  const [right, ...left] = await Promise.all([reference, ...shown]);
  const column = element('div', 'shader-column');
  column.append(...left);
  box.replaceChildren(column, right);
}

/** A text with a title and where it stands in the repository. */
function panel(title: string, about: string, { file, code }: SourceText): HTMLElement {
  const box = element('section', 'source-text');
  // Not a region: several rows may show the same file.
  const pre = make('pre', { tabIndex: 0, role: 'group', ariaLabel: file }, make('code', {}, code));
  box.append(element('h3', '', title), element('p', 'muted', about), pre, element('p', 'muted file', file));
  return box;
}
