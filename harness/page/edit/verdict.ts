/** The result of a trial, in words and as elements. */

import { whole } from '../../text/units';
import { make, makeButton } from '../shell/dom';
import { listed, measured } from '../shell/format';
import type { TextProblem, TrialResult, TrialTimes } from './trial_messages';

/** The result in one sentence. */
export function verdictText(result: TrialResult): string {
  switch (result.kind) {
    case 'same':
      return 'The GPU gets the shipped text: only comments or spaces differ.';
    case 'refused': {
      const { length } = result.problems;
      return `It does not compile: ${length === 1 ? 'one error' : `${length} errors`}.`;
    }
    case 'wrong':
      return `It is wrong: ${result.variant} in the case “${result.case}”. Training goes on as before.`;
    case 'endless':
      return `It does not end: a loop of ${result.variant} made more than ${whole(result.turns)} turns in the case “${result.case}” and was stopped. Training goes on as before.`;
    case 'passed':
      return `It is right: ${listForms(result.variants)} agree${result.variants.length > 1 ? '' : 's'} with the reference in ${result.cases === 1 ? 'one case' : `${result.cases} cases`}; the largest error is ${measured(100 * result.share)} % of what is allowed.${timesOf(result.times)}`;
    case 'failed':
      return `It could not be tried: ${result.message}`;
  }
}

/** A place as an editor names it. */
export const placeText = ({ file, line }: TextProblem) => `${file}${line ? `, line ${line}` : ''}`;

function timesOf(times: TrialTimes | undefined): string {
  if (!times) return ' This training step does not use it.';
  const { kernel, layer, shipped, edited, rounds, clock } = times;
  const by = clock === 'timestamp-query' ? 'the GPU’s clock' : 'the host’s clock';
  return ` ${kernel} of ${layer} takes ${(edited / shipped).toFixed(2)} times as long as the shipped one: ${measured(edited)} ms instead of ${measured(shipped)} (medians of ${rounds} alternating rounds, ${by}).`;
}

const listForms = (names: readonly string[]): string =>
  names.length > 4 ? `${names.length} forms` : listed(names);

/** The same with all errors; `goTo` shows a place. */
export function showVerdict(box: HTMLElement, result: TrialResult, goTo: (place: TextProblem) => void): void {
  box.replaceChildren(make('p', {}, verdictText(result)));
  box.dataset.kind = result.kind;
  if (result.kind === 'refused') {
    const items = result.problems.map((problem) => {
      const link = makeButton(placeText(problem), () => goTo(problem), { className: 'place' });
      return make('li', {}, link, ` ${problem.message}`);
    });
    box.append(make('ul', {}, ...items));
  } else if (result.kind === 'wrong') box.append(make('pre', { tabIndex: 0 }, result.failure));
}
