/** Returns a page element by id, with its type. A wrong id is a bug: it throws at once. */
export function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`index.html has no ${type.name} with the id ${id}`);
  return element;
}

export const button = (id: string) => byId(id, HTMLButtonElement);
export const anyElement = (id: string) => byId(id, HTMLElement);

/** Writes only changes, so that a screen reader does not repeat the text and a selection survives. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows a message, or hides the element if there is none. */
export function setMessage(element: HTMLElement, text: string | undefined): void {
  element.hidden = !text;
  setText(element, text ?? '');
}

/** A large figure with a small addition. */
export function setReading(id: string, figure: string, addition = ''): void {
  const element = anyElement(id);
  if (element.textContent === figure + addition) return;
  element.textContent = figure;
  if (!addition) return;
  const small = document.createElement('small');
  small.textContent = addition;
  element.append(small);
}

export function download(name: string, content: BlobPart | Blob, type = 'application/octet-stream'): void {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser reads the URL when the download starts, which is soon.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
