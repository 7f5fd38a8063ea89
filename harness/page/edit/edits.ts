/** The edited texts of a visit, by file of shaders/, and those that training uses. */
import { files } from 'virtual:shader-sources';
import type { Replacement } from '../messages/replace';
import type { Texts } from './assemble';

export class Edits {
  /** Texts that training uses in place of the shipped files. */
  used: Texts = {};
  private edited: Texts = {};
  /** The texts of the last trial that passed, and the shaders to replace with them. */
  private passed: { readonly texts: Texts; readonly replacements: readonly Replacement[] } | undefined;

  textOf(file: string): string {
    return this.edited[file] ?? files[file];
  }

  isEdited(file: string): boolean {
    return file in this.edited;
  }

  /** Sets the text of a file; the shipped text is no edit. */
  set(file: string, text: string): void {
    const { [file]: _, ...others } = this.edited;
    this.edited = text === files[file] ? others : { ...others, [file]: text };
  }

  revert(file: string): void {
    this.set(file, files[file]);
  }

  /** The texts to try: the edits of these files, and the other files' texts that training uses already. */
  toTry(own: readonly string[]): Texts {
    const others = Object.entries(this.used).filter(([file]) => !own.includes(file));
    const edits = own.filter((file) => this.isEdited(file)).map((file) => [file, this.textOf(file)]);
    return Object.fromEntries([...others, ...edits]);
  }

  pass(texts: Texts, replacements: readonly Replacement[]): void {
    this.passed = { texts, replacements };
  }

  /** The shaders to replace for training with exactly these texts, if they passed. */
  replacementsOf(texts: Texts): readonly Replacement[] | undefined {
    return this.passed && same(texts, this.passed.texts) ? this.passed.replacements : undefined;
  }

  isUsed(texts: Texts): boolean {
    return same(texts, this.used);
  }
}

const same = (a: Texts, b: Texts) => {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
};
