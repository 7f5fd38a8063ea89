/** The runs that the browser keeps, each with buttons to continue or discard it, and a warning if the page's own run is not kept. */
import { MOST_RUNS, type StoredRun } from '../../../src/keeping/store';
import type { App, Panel } from './app';
import { anyElement, button, setMessage, setText } from './dom';
import { facts, goOnText, neededData, runOf } from './kept_text';
import { isFixed } from './state';

export function createKeptPanel(app: App): Panel {
  const list = anyElement('kept-runs');
  let shown: readonly StoredRun[] | undefined;
  let shownNeed: string | undefined;
  /** From then on the table of runs on the Train view has them. */
  let begun = false;

  const row = (run: StoredRun) => {
    const now = Date.now();
    const goOn = Object.assign(document.createElement('button'), {
      type: 'button',
      className: 'small',
      textContent: goOnText(run, now),
      disabled: run.held,
    });
    goOn.addEventListener('click', () => {
      app.set('task', 'train');
      app.goOn(run.id);
    });
    const discard = Object.assign(document.createElement('button'), {
      type: 'button',
      className: 'small',
      textContent: 'Discard',
      disabled: run.held,
    });
    discard.setAttribute('aria-label', `Discard ${runOf(run.savedAt, now)}, step ${run.step}`);
    discard.addEventListener('click', () => {
      if (confirm(`Delete ${runOf(run.savedAt, now)} for good, all ${run.step.toLocaleString('en')} steps?`))
        app.discard(run.id);
    });
    const buttons = Object.assign(document.createElement('p'), { className: 'buttons' });
    buttons.append(goOn, discard);
    const about = Object.assign(document.createElement('p'), {
      className: 'muted kept-facts',
      textContent: facts(run),
    });
    const item = document.createElement('li');
    item.append(buttons, about);
    if (run.id === app.state.needsData) {
      item.append(Object.assign(document.createElement('p'), { textContent: neededData(run) }));
    }
    return item;
  };

  const more = button('kept-more');
  more.addEventListener('click', () => {
    more.setAttribute('aria-expanded', String(more.getAttribute('aria-expanded') !== 'true'));
    app.changed();
  });
  button('not-stored-save').addEventListener('click', () => app.send('saveCheckpoint'));

  return {
    render() {
      const { kept, needsData, notStored, losses } = app.state;
      const offered = kept.length > 0 && !isFixed(app.state);
      begun ||= isFixed(app.state);
      const onTrain = app.settings.task === 'train' && (!begun || needsData !== undefined);
      anyElement('kept').hidden = !offered || !(app.home || onTrain);
      if (kept !== shown || needsData !== shownNeed) {
        // The run that waits for its images, else the newest one, has a line; the others unfold.
        const sorted = [...kept].sort((a, b) => Number(b.id === needsData) - Number(a.id === needsData));
        list.replaceChildren(...sorted.map(row));
        shown = kept;
        shownNeed = needsData;
      }
      more.hidden = kept.length < 2;
      const open = more.getAttribute('aria-expanded') === 'true';
      list.classList.toggle('all', open);
      setText(more, open ? 'Fewer' : `${kept.length - 1} more`);
      setMessage(
        anyElement('kept-note'),
        open && kept.length > 1 ? `This browser keeps the ${MOST_RUNS} newest runs.` : undefined,
      );
      anyElement('not-stored').hidden = !notStored;
      setText(anyElement('not-stored-text'), notStored ?? '');
      button('not-stored-save').disabled = losses.length === 0;
    },
  };
}
