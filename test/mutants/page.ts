/** Faults in the page: its doors, the links that lead on, and the plan of a run. */
import { type Mutants, unit } from './mutant';

const DOORS = 'harness/page/shell/doors.ts';
const PLAN = 'harness/page/train/plan.ts';
const doors = unit('page/doors');
const plan = unit('page/plan');

export const page: Mutants = {
  doors: {
    'a view is behind no door': {
      file: DOORS,
      text: "learn: ['explain', 'inside'],",
      becomes: "learn: ['explain'],",
      caughtBy: unit('page/settings'),
    },
    'a parameter is not written into the address': {
      file: 'harness/page/shell/settings.ts',
      text: ".filter((key) => (key === 'recipe'",
      becomes: ".filter((key) => key !== 'minutes' && (key === 'recipe'",
      caughtBy: unit('page/settings'),
    },
    'a door forgets the view that was last open behind it': {
      file: DOORS,
      text: 'if (task) last[doorOf(task)] = task;',
      becomes: '',
      caughtBy: doors,
    },
    'a view that is drawn anew takes the focus': {
      file: DOORS,
      text: 'const changes = task !== shown;',
      becomes: 'const changes = true;',
      caughtBy: doors,
    },
    'the focus stays on the link of a view that is left': {
      file: DOORS,
      text: 'if (task && changes && nav.contains(focused)',
      becomes: 'if (task && !changes && nav.contains(focused)',
      caughtBy: doors,
    },
    'the first digits lead to another scene': {
      file: 'harness/page/make/make.html',
      text: 'href="?scene=3&amp;task=explain"',
      becomes: 'href="?scene=2&amp;task=explain"',
      caughtBy: doors,
    },
    'the end of a run leads to the pretrained network': {
      file: 'harness/page/train/train.html',
      text: 'id="train-play" href="?model=run&amp;',
      becomes: 'id="train-play" href="?model=pretrained&amp;',
      caughtBy: doors,
    },
    'a lead opens its view before its settings are set': {
      file: DOORS,
      text: 'of new URLSearchParams(link.search)) set(',
      becomes: 'of [...new URLSearchParams(link.search)].toReversed()) set(',
      caughtBy: doors,
    },
    'a lead is followed in another tab, and here too': {
      file: DOORS,
      text: 'if (!link || !staysHere(event)) return;',
      becomes: 'if (!link) return;',
      caughtBy: doors,
    },
  },
  'a run and its network': {
    'a run whose time is up leads nowhere': {
      file: 'harness/page/shell/state.ts',
      text: "(state.phase === 'paused' && state.measured.timeUp)",
      becomes: 'false',
      caughtBy: unit('page/state'),
    },
    'a gradient that is not known yet is shown as zeros': {
      file: 'harness/page/worker/inside.ts',
      text: 'some((norm) => norm > 0)',
      becomes: 'some((norm) => norm >= 0)',
      caughtBy: unit('page/inside'),
    },
    'classes of clothes are called digits': {
      file: 'harness/page/shell/state.ts',
      text: 'areNumbers(of) && data === DIGITS',
      becomes: 'areNumbers(of)',
      caughtBy: unit('page/state'),
    },
    'a file of letters is named after the digits': {
      file: 'harness/page/shell/make_files.ts',
      text: 'data === undefined || data === DIGITS',
      becomes: 'data !== undefined',
      caughtBy: unit('page/make_files'),
    },
  },
  hand: {
    'images under the hand are kept without end': {
      file: 'harness/page/make/following.ts',
      text: 'if (this.made.size <= MOST_MADE) break;',
      becomes: 'if (this.made.size > 0) break;',
      caughtBy: unit('page/hand'),
    },
  },
  'pictures of a run': {
    'the last step shows its prediction': {
      file: 'harness/page/worker/live_pictures.ts',
      text: 'step + 1 === steps ? x : prediction',
      becomes: 'prediction',
      caughtBy: unit('page/live_pictures'),
    },
    'of equal pixels that were pooled the last is shown': {
      file: 'harness/page/inside/pixel.ts',
      text: 'valueAt(place) > valueAt(most)',
      becomes: 'valueAt(place) >= valueAt(most)',
      caughtBy: unit('page/inside'),
    },
  },
  planner: {
    'the time of the first step counts': {
      file: PLAN,
      text: 'if (step < 2) return;',
      becomes: 'if (step < 1) return;',
      caughtBy: plan,
    },
    'a speed is that of all widths': {
      file: PLAN,
      text: '{settings.widths}`;',
      becomes: "{''}`;",
      caughtBy: plan,
    },
    'the second plan forgets the minutes that were asked': {
      file: PLAN,
      text: 'app.settings.minutes === set?.minutes ? set.asked : app.settings.minutes) ||',
      becomes: 'app.settings.minutes) ||',
      caughtBy: plan,
    },
    'the second time counts the first': {
      file: PLAN,
      text: 'since = { at: now, step };\n      rememberSpeed(',
      becomes: 'rememberSpeed(',
      caughtBy: plan,
    },
    'a pause counts': {
      file: PLAN,
      text: "(event.type === 'phase' && !event.training)",
      becomes: 'false',
      caughtBy: plan,
    },
    'a run that goes on is planned': {
      file: PLAN,
      text: 'if (!current || !isOpen()) return;',
      becomes: 'if (!isOpen()) return;',
      caughtBy: plan,
    },
    'new samples wait for a tenth of the time': {
      file: 'harness/page/worker/clocks.ts',
      text: 'everyMs: 10_000',
      becomes: 'everyMs: 100_000',
      caughtBy: unit('page/live_measures'),
    },
  },
};
