/** Checkpoints of a tiny run, as it is after any number of steps. */
import { loadCheckpoint, saveCheckpoint } from '../../src/weights/checkpoint';
import { data, settings, state, trainer } from '../weights/small_files';

export const checkpointAt = (step: number, seed = settings.seed): Promise<Uint8Array<ArrayBuffer>> =>
  saveCheckpoint({
    trainer: { ...trainer, getState: async () => ({ ...state, step }) },
    settings: { ...settings, seed },
    data,
    losses: Array.from({ length: step }, (_, i) => 1 / (i + 1)),
  });

export const stepOf = (checkpoint: Uint8Array) => loadCheckpoint(checkpoint).state.step;
