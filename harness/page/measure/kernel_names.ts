/** Suggests kernel names where the user may enter one. Loading them loads every reference, so it waits until the user does. */
import { totalNames } from '../../bench/result';
import { byId } from '../shell/dom';

const others = { check: ['unet.gradient'], bench: totalNames } as const;

export function offerKernelNames(task: keyof typeof others): void {
  const offer = async () => {
    const { specs } = await import('../../specs/lib/registry');
    const names = [...others[task], ...specs.keys()];
    byId(`${task}-kernels`, HTMLDataListElement).replaceChildren(
      ...names.map((name) => new Option('', name)),
    );
  };
  byId(`${task}-kernel`, HTMLInputElement).addEventListener('focus', () => void offer(), { once: true });
}
