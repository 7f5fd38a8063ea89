/** `--schedule`: how the learning rate changes over a run. */
import type { ScheduleOption, ScheduleOptions } from '../../src/plan/schedule';
import { type Flag, numberIn, show, UsageError } from './args';

/** The flag's value; the end of a decay is known once the length of the run is. */
type GivenSchedule = Omit<ScheduleOptions, 'steps'>;

const legal =
  'constant, cosine or linear, with warmup=STEPS and, but for constant, floor=SHARE, such as cosine,warmup=20,floor=0.01';

export const scheduleFlag: Flag<GivenSchedule> = {
  value: 'constant|cosine|linear,…',
  help: "of the learning rate: after warmup=N steps the rate itself; or half a wave of\na cosine to floor=X of it (default 0.01) at the run's end; or the rate half of\nthe way, then a line down to that, such as linear,warmup=20 (default: the\nrecipe's)",
  parse: (text, name) => {
    const wrong = (what: string) =>
      new UsageError(`--${name} is ${show(text)}, ${what}; it must be ${legal}.`);
    const [kind, ...rest] = text.split(',');
    if (kind !== 'constant' && kind !== 'cosine' && kind !== 'linear')
      throw wrong(`which begins with ${show(kind)}`);
    const given: { warmup?: number; floor?: number } = {};
    for (const entry of rest) {
      const [key, value] = entry.split('=');
      const number = numberIn(value ?? '');
      const fits =
        (key === 'warmup' && Number.isInteger(number) && number >= 0) ||
        (key === 'floor' && kind !== 'constant' && number >= 0 && number <= 1);
      if (!fits) throw wrong(`which has ${show(entry)}`);
      given[key as 'warmup' | 'floor'] = number;
    }
    return { ...given, decay: kind === 'constant' ? 'none' : kind };
  },
};

/** The option for a trainer whose run has `steps` steps. Throws UsageError if the decay would end before it begins. */
export function scheduleFor(given: GivenSchedule, steps: number): ScheduleOption {
  if ((given.decay ?? 'none') === 'none') return given;
  const { warmup = 0 } = given;
  if (warmup >= steps) {
    throw new UsageError(
      `--schedule has a warm-up of ${warmup} steps, and the run has ${steps}: the decay would end before it begins. Give fewer steps of warm-up, or a longer run.`,
    );
  }
  return { ...given, steps };
}
