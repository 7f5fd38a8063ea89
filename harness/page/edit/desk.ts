/** Edits shaders, tries them and takes them into training: from the Inside view's editor, or when a file is saved while Vite serves the page. */
import { files } from 'virtual:shader-sources';
import type { Listed } from '../messages/inside_messages';
import type { App } from '../shell/app';
import { onClick, setHidden, setText } from '../shell/dom';
import type { Texts } from './assemble';
import { Editor } from './editor';
import { Edits } from './edits';
import type { TrialResult } from './trial_messages';
import { Trials } from './trials';
import { placeText, verdictText } from './verdict';

/** A saved file, from the development server. */
export interface SavedShader {
  /** Its path in shaders/. */
  readonly file: string;
  readonly text: string;
}

export class ShaderDesk {
  private readonly app: App;
  private readonly edits = new Edits();
  private readonly trials = new Trials();
  private editor: Editor | undefined;
  private closeEditor = () => {};
  listed: Listed | undefined;
  /** A saved file that waits for the list of dispatches. */
  private waiting: SavedShader | undefined;
  /** The texts sent to the training worker, until it answers. */
  private asked: Texts | undefined;
  private notice = '';

  constructor(app: App) {
    this.app = app;
    onClick('shaders-back', () => this.use({}, []));
  }

  /** Opens an editor in `box`, in place of what `box` holds. `op`: the dispatch, by its place in the list, to time. */
  open(box: HTMLElement, shader: string, op: number, listed: Listed, closed: () => void): void {
    this.closeEditor();
    this.listed = listed;
    const editor = new Editor(shader, this.edits, {
      tryIt: () => void this.tryIt(editor, op),
      use: () => {
        const texts = this.edits.toTry(editor.files);
        const replacements = this.edits.replacementsOf(texts);
        if (replacements) this.use(texts, replacements);
      },
      close: () => this.closeEditor(),
    });
    this.editor = editor;
    this.closeEditor = () => {
      this.closeEditor = () => {};
      this.editor = undefined;
      this.trials.stop();
      editor.element.remove();
      closed();
    };
    box.append(editor.element);
    editor.focus();
  }

  /** A file was saved: it is tried, and if it is right, trained with. */
  save(saved: SavedShader): void {
    const { listed, edits, editor } = this;
    edits.set(saved.file, saved.text);
    editor?.show();
    if (listed) void this.trySaved(saved, listed);
    else {
      // Asked again each time: a lost device leaves no answer.
      this.waiting = saved;
      void this.list();
    }
  }

  /** Tries the saved file that waits for the list. */
  private async list(): Promise<void> {
    const failed = ({ message }: Error) => ({ kind: 'failed', message }) as const;
    const answer = await this.app.ask('inside', { kind: 'list', source: 'run' }).catch(failed);
    const { waiting } = this;
    if (!waiting) return;
    this.waiting = undefined;
    if (answer.kind === 'listed') {
      this.listed = answer;
      void this.trySaved(waiting, answer);
    } else if (answer.kind === 'failed')
      this.say(`${waiting.file} was saved, but not tried: ${answer.message}`);
  }

  private async tryIt(editor: Editor, op: number): Promise<void> {
    const texts = this.edits.toTry(editor.files);
    const result = await this.try(texts, this.listed!, op, editor);
    if (result && this.editor === editor) editor.found(result);
  }

  private async trySaved({ file, text }: SavedShader, listed: Listed): Promise<void> {
    const { [file]: _, ...others } = this.edits.used;
    const texts = text === files[file] ? others : { ...others, [file]: text };
    const { editor } = this;
    const result = await this.try(texts, listed, undefined, editor);
    if (!result) return;
    if (editor && this.editor === editor) editor.found(result);
    const [problem] = result.kind === 'refused' ? result.problems : [];
    const where = problem ? ` ${placeText(problem)}: ${problem.message}` : '';
    this.say(`shaders/${file} was saved. ${verdictText(result)}${where}`);
    const replacements = this.edits.replacementsOf(texts);
    if (replacements && !this.edits.isUsed(texts)) this.use(texts, replacements);
  }

  private async try(
    texts: Texts,
    listed: Listed,
    op?: number,
    editor?: Editor,
  ): Promise<TrialResult | undefined> {
    if (this.app.measuring)
      return {
        kind: 'failed',
        message: `the ${this.app.measuring} has the GPU. Try again afterwards.`,
      };
    const { step } = listed;
    const result = await this.trials.run({ texts, step, op }, (text) => editor?.progress(text));
    if (result?.kind === 'passed') this.edits.pass(texts, result.replacements);
    else if (result?.kind === 'same') this.edits.pass(texts, []);
    return result;
  }

  private use(texts: Texts, shaders: Parameters<Edits['pass']>[1]): void {
    this.asked = texts;
    const taken = (problem: string | undefined) => this.asked === texts && this.taken(problem);
    this.app.ask('shaders', shaders).then(taken, ({ message }) => taken(message));
  }

  /** The training worker's answer: it trains with the texts, unless there is a problem. */
  private taken(problem: string | undefined): void {
    const { edits, asked, editor } = this;
    if (problem) this.say(`Training does not use the edited shader, and goes on as before: ${problem}`);
    else if (asked) {
      edits.used = asked;
      if (Object.keys(asked).length > 0) editor?.add('Training uses it now.');
    }
    this.asked = undefined;
    const used = Object.keys(edits.used);
    setHidden('shaders-used', used.length === 0);
    setText('shaders-used-names', used.map((file) => `shaders/${file}`).join(', '));
    editor?.update();
  }

  /** A notice of the page, in place of the last one of this kind. */
  private say(text: string): void {
    this.app.notify(text, this.notice);
    this.notice = text;
  }
}
