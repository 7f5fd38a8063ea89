/** The means of a run's whole epochs, each of which is taken once. Pure. */
import { epochMeans } from '../../run/losses';
import type { Losses } from '../shell/losses';

export class EpochMeans {
  private means: number[] = [];
  private losses: Losses | undefined;
  private stepsPerEpoch = 0;

  /** The same array until another epoch is over. */
  of(losses: Losses, stepsPerEpoch: number): readonly number[] {
    const goesOn = this.losses && losses.continues(this.losses) && stepsPerEpoch === this.stepsPerEpoch;
    if (!goesOn) this.means = [];
    this.losses = losses;
    this.stepsPerEpoch = stepsPerEpoch;
    const done = this.means.length * stepsPerEpoch;
    if (losses.length - done >= stepsPerEpoch)
      this.means = [...this.means, ...epochMeans(losses.slice(done), stepsPerEpoch)];
    return this.means;
  }
}
