/** Records the passes of a run. */
import { computePass, type Program } from '../gpu/program';
import { SAMPLING_STEP_WORDS } from '../plan/sampling_step';
import type { RunPlan } from './options';
import { firstRow, lastRow, type Pass, ROW_WORDS, SHARE_AT } from './passes';
import type { SamplingPlan } from './plan';

export interface SamplingRun extends RunPlan {
  readonly plan: SamplingPlan;
  readonly passes: readonly Pass[];
  /** Whether some pixels are known. */
  readonly masked: boolean;
  /** Fixes the noise that the run makes; 0 if it begins with given noise. */
  readonly seed: number;
  /** The rows from `rowsOf`, on the GPU. */
  readonly rows: GPUBuffer;
}

/** The rows of a run: the first row, one for each pass, the last row. */
export function rowsOf({
  passes,
  settings,
  seed,
}: Pick<SamplingRun, 'passes' | 'settings' | 'seed'>): Float32Array<ArrayBuffer> {
  const all = [firstRow(settings.from, seed), ...passes.map((pass) => pass.row), lastRow()];
  const rows = new Float32Array(all.length * ROW_WORDS);
  all.forEach((row, i) => {
    rows.set(row, i * ROW_WORDS);
  });
  return rows;
}

export const encodeProgram = (encoder: GPUCommandEncoder, program: Program): void =>
  computePass(encoder, 'sampling', (pass) => program.encode(pass));

/** Copies the seed to the shaders' buffer, for the plan's program `makeNoise`. */
export const encodeSeed = (encoder: GPUCommandEncoder, { plan, rows }: SamplingRun): void =>
  encodeStep(encoder, plan, rows, 0);

/** Puts x at the level where the run begins. */
export function encodeFirst(encoder: GPUCommandEncoder, { plan, rows }: SamplingRun): void {
  encodeStep(encoder, plan, rows, 0);
  encodeProgram(encoder, plan.known!);
}

/** Puts the known pixels into x without noise. */
export function encodeLast(encoder: GPUCommandEncoder, { plan, passes, rows }: SamplingRun): void {
  encodeStep(encoder, plan, rows, passes.length + 1);
  encodeProgram(encoder, plan.known!);
}

/** Records `n` passes starting with pass `from`; after the last pass of the run, also known pixels. */
export function encodePasses(encoder: GPUCommandEncoder, run: SamplingRun, from: number, n: number): void {
  const { plan, passes, masked } = run;
  for (const program of plan.prepare) encodeProgram(encoder, program);
  for (let i = from; i < from + n; i++) {
    encodeRow(encoder, run, i);
    encodeProgram(encoder, plan.pass);
  }
  if (masked && from + n === passes.length) encodeLast(encoder, run);
}

/** Copies the numbers of pass `i` to the shaders' buffers, and brings known pixels to its level. */
export function encodeRow(
  encoder: GPUCommandEncoder,
  { plan, passes, masked, rows }: SamplingRun,
  i: number,
): void {
  encodeStep(encoder, plan, rows, i + 1);
  const shareAt = ((i + 1) * ROW_WORDS + SHARE_AT) * 4;
  if (plan.share) encoder.copyBufferToBuffer(rows, shareAt, plan.share, 0, 4);
  if (masked && passes[i].begins) encodeProgram(encoder, plan.known!);
}

/** Records a copy of x, [count][height][width][channels], as it is along the flow: not clipped, and not brought to the range of pictures. */
export function encodeX(
  encoder: GPUCommandEncoder,
  { outputs: { x }, boundBuffers }: SamplingPlan,
  to: { readonly buffer: GPUBuffer; readonly offset: number; readonly bytes: number },
): void {
  encodeProgram(encoder, x.toImages);
  encoder.copyBufferToBuffer(boundBuffers.get(x.images)!, 0, to.buffer, to.offset, to.bytes);
}

/** Copies a row's numbers to the shaders' buffer. */
function encodeStep(encoder: GPUCommandEncoder, plan: SamplingPlan, rows: GPUBuffer, row: number): void {
  encoder.copyBufferToBuffer(rows, row * ROW_WORDS * 4, plan.step, 0, SAMPLING_STEP_WORDS * 4);
}
