/** Records the passes of a run. */
import { computePass, type Program } from '../gpu/program';
import { SAMPLING_STEP_WORDS } from '../plan/sampling_step';
import type { RunPlan } from './options';
import { firstRow, lastRow, meanRow, type Pass, ROW_WORDS, SHARE_AT } from './passes';
import type { SamplingPlan } from './plan';

export interface SamplingRun extends RunPlan {
  readonly plan: SamplingPlan;
  readonly passes: readonly Pass[];
  /** Whether some pixels are known. */
  readonly masked: boolean;
  /** Fixes the noise that the run makes; 0 if it begins with given noise. */
  readonly seed: number;
  /** Where the rows from `packRows` are on the GPU. */
  readonly rows: { readonly buffer: GPUBuffer; readonly offset: number };
}

/** The rows of a run: the first row, one for each pass, the last row, the row of a polish's mean. */
export function packRows({
  passes,
  settings,
  seed,
}: Pick<SamplingRun, 'passes' | 'settings' | 'seed'>): Float32Array<ArrayBuffer> {
  const all = [firstRow(settings.from, seed), ...passes.map((pass) => pass.row), lastRow(), meanRow()];
  const rows = new Float32Array(all.length * ROW_WORDS);
  all.forEach((row, i) => {
    rows.set(row, i * ROW_WORDS);
  });
  return rows;
}

export const encodeProgram = (encoder: GPUCommandEncoder, program: Program): void =>
  computePass(encoder, 'sampling', (pass) => program.encode(pass));

/** Copies the seed to the shaders' buffer, for the plan's program `makeNoise`. */
export const encodeSeed = (encoder: GPUCommandEncoder, run: SamplingRun): void => encodeStep(encoder, run, 0);

/** Puts x at the level where the run begins. */
export function encodeFirst(encoder: GPUCommandEncoder, run: SamplingRun): void {
  encodeStep(encoder, run, 0);
  encodeProgram(encoder, run.plan.known!);
}

/** Puts the known pixels into x without noise. */
function encodeLast(encoder: GPUCommandEncoder, run: SamplingRun): void {
  encodeStep(encoder, run, run.passes.length + 1);
  encodeProgram(encoder, run.plan.known!);
}

/** Records `n` passes starting with pass `from`, and what follows the last step and the polish. */
export function encodePasses(encoder: GPUCommandEncoder, run: SamplingRun, from: number, n: number): void {
  for (const program of run.plan.prepare) encodeProgram(encoder, program);
  for (let i = from; i < from + n; i++) {
    encodeRow(encoder, run, i);
    for (const program of passPrograms(run, i)) encodeProgram(encoder, program);
    encodeAfter(encoder, run, i);
  }
}

/** The programs of pass `i`. */
export function passPrograms({ plan, passes }: SamplingRun, i: number): readonly Program[] {
  if (passes[i].polish === undefined) return [plan.pass];
  const { renew, average } = plan.polish!;
  return [plan.makeNoise, renew, plan.pass, average];
}

/** Records what follows pass `i`, the last one of the steps or of the polish: the mean, and known pixels. Returns whether there is any. */
export function encodeAfter(encoder: GPUCommandEncoder, run: SamplingRun, i: number): boolean {
  const { plan, passes, masked } = run;
  if (i + 1 < passes.length && passes[i + 1].polish !== 0) return false;
  const polished = passes[i].polish !== undefined;
  if (polished) {
    encodeStep(encoder, run, passes.length + 2);
    encodeProgram(encoder, plan.polish!.mean);
  }
  if (masked) encodeLast(encoder, run);
  return polished || masked;
}

/** Copies the numbers of pass `i` to the shaders' buffers, and brings known pixels to its level; before the first noise, keeps the image. */
export function encodeRow(encoder: GPUCommandEncoder, run: SamplingRun, i: number): void {
  const { plan, passes, masked, rows } = run;
  if (passes[i].polish === 0) encodeProgram(encoder, plan.polish!.keep);
  encodeStep(encoder, run, i + 1);
  const shareAt = rows.offset + ((i + 1) * ROW_WORDS + SHARE_AT) * 4;
  const share = plan.share ?? plan.polish?.share;
  if (share) encoder.copyBufferToBuffer(rows.buffer, shareAt, share, 0, 4);
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
function encodeStep(encoder: GPUCommandEncoder, { plan, rows }: SamplingRun, row: number): void {
  const offset = rows.offset + row * ROW_WORDS * 4;
  encoder.copyBufferToBuffer(rows.buffer, offset, plan.step, 0, SAMPLING_STEP_WORDS * 4);
}
