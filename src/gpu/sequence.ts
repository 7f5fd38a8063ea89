import { Load, type PartWork, type Submittable } from './pacer';

/** Programs one after the other, as one: it can be cut between any two of their parts. */
export class Sequence implements Submittable {
  readonly partCount: number;
  readonly load = new Load();
  private readonly programs: readonly Submittable[];
  /** The first part of each program here. */
  private readonly starts: readonly number[];

  constructor(programs: readonly Submittable[]) {
    this.programs = programs;
    let count = 0;
    this.starts = programs.map(({ partCount }) => {
      count += partCount;
      return count - partCount;
    });
    this.partCount = count;
    for (const program of programs) this.load.addAll(program.load);
  }

  part(i: number): PartWork {
    const k = this.starts.findLastIndex((start) => start <= i);
    return this.programs[k].part(i - this.starts[k]);
  }

  /** Work of parts [from, to). */
  workOf(from: number, to: number): number {
    let sum = 0;
    for (let i = from; i < to; i++) sum += this.part(i).work;
    return sum;
  }

  encode(pass: GPUComputePassEncoder, from = 0, to = this.partCount): void {
    for (const [k, program] of this.programs.entries()) {
      const start = this.starts[k];
      const first = Math.max(from - start, 0);
      const end = Math.min(to - start, program.partCount);
      if (first < end) program.encode(pass, first, end);
    }
  }
}
