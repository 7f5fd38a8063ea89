/** What ran in a row that is open: its shaders, in colours, and the reference that they are compared with. */
import { panel } from '../inside/dispatch_list';
import { element } from '../shell/table';

/** `shaders`: by name. The texts are loaded now. */
export function sourcesOf(kernel: string, shaders: readonly string[]): HTMLElement {
  const box = element('div', 'sources');
  box.append(element('p', 'muted', 'Loading the sources'));
  fill(box, kernel, shaders).catch((error: Error) => {
    box.replaceChildren(element('p', 'problem', `The sources cannot be shown: ${error.message}`));
  });
  return box;
}

async function fill(box: HTMLElement, kernel: string, shaders: readonly string[]): Promise<void> {
  const { hasSource, referenceSource, shaderSource } = await import('../shell/source_text');
  // A file may be of another version of this project.
  const unknown = shaders.filter((name) => !hasSource(name));
  if (unknown.length > 0) throw new Error(`this version of the page has no shader ${unknown.join(', ')}.`);
  const own = shaders.map(async (name) => panel(`What the GPU runs: ${name}`, '', await shaderSource(name)));
  const reference = referenceSource(kernel).then((source) =>
    panel('What it must compute, in 64 bits', '', source),
  );
  const [right, ...left] = await Promise.all([reference, ...own]);
  const column = element('div', 'shader-column');
  column.append(...left);
  box.replaceChildren(column, right);
}
