/** The page's texts about a run that the browser keeps. Pure, but for the time zone. */
import type { StoredRun } from '../../../src/keeping/store';
import { listOf, shownName } from '../../run/class_names';
import { loss as lossText, whole } from './format';
import { recipeOf } from './settings';

/** `today’s run`, `yesterday’s run`, `the run of 21 November`. */
export function runOf(savedAt: number, now: number): string {
  const [saved, today] = [new Date(savedAt), new Date(now)];
  const yesterday = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1);
  if (saved.toDateString() === today.toDateString()) return 'today’s run';
  if (saved.toDateString() === yesterday.toDateString()) return 'yesterday’s run';
  const year = saved.getFullYear() === today.getFullYear() ? {} : ({ year: 'numeric' } as const);
  return `the run of ${saved.toLocaleDateString('en-GB', { day: 'numeric', month: 'long', ...year })}`;
}

export const goOnText = ({ savedAt, step }: StoredRun, now: number): string =>
  `Go on with ${runOf(savedAt, now)} (step ${whole(step)})`;

/** The facts that identify a run among several. */
export function facts(run: StoredRun): string {
  const { settings, data, savedAt, loss, held } = run;
  const { batchSize, learningRate, seed, source } = settings;
  const time = new Date(savedAt).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  const sets: Readonly<Record<string, string>> = { mnist: 'of MNIST’s digits', letters: 'letters A to Z' };
  const comes = sets[source ?? ''];
  const images = comes ? `${whole(data.count)} ${comes}` : ownImages(run);
  const parts = [
    `Kept at ${time}`,
    ...(loss === undefined || Number.isNaN(loss) ? [] : [`loss ${lossText(loss)}`]),
    `recipe ${recipeOf(run)}`,
    `batch ${whole(batchSize)}`,
    `learning rate ${learningRate}`,
    `seed ${seed}`,
    images,
  ];
  return `${parts.join(', ')}.${held ? ' It is open in another tab.' : ''}`;
}

/** The user's images, by name and with the names of their classes. */
function ownImages({ settings, data, config }: Pick<StoredRun, 'settings' | 'data' | 'config'>): string {
  const name = shownName(data.name ?? settings.source ?? 'your own images');
  const { classes = 0 } = config.conditioning ?? {};
  return data.classNames && classes > 0 ? `${name} (${listOf({ classes, ...data })})` : name;
}

/** The data that a run needs before it can continue. */
export function neededData(run: StoredRun): string {
  const { settings, data } = run;
  const { count, height, width } = data;
  const limit = settings.limit === undefined ? '' : 'the first ';
  return `It trains on ${limit}${whole(count)} images of ${height} × ${width} from ${ownImages(run)}, which the browser does not keep. Choose or drop these files${data.labels ? ', labels included' : ''}, and the run goes on.`;
}
