/** How fast a run is, for the time that is left: with what is done between its steps, and steadier than the speed of the last ones. */

/** Seconds of the last steps that count, at least. */
const WINDOW = 30;
/** Seconds of steps before the first figure. */
const LEAST = 5;

export class Pace {
  /** Moments in seconds, and the images that were trained on by then. */
  private readonly marks: { readonly at: number; readonly images: number }[] = [];

  /** Begins before a first step; what is between two beginnings does not count. */
  begin(at = performance.now() / 1000): void {
    this.marks.splice(0, this.marks.length, { at, images: 0 });
  }

  /** A step of `images` has ended. */
  add(images: number, at = performance.now() / 1000): void {
    const { marks } = this;
    marks.push({ at, images: marks[marks.length - 1].images + images });
    while (marks.length > 2 && at - marks[1].at > WINDOW) marks.shift();
  }

  /** Images a second; undefined in the first seconds. */
  get imagesPerSecond(): number | undefined {
    const first = this.marks[0];
    const last = this.marks[this.marks.length - 1];
    if (!first || last.at - first.at < LEAST) return undefined;
    return (last.images - first.images) / (last.at - first.at);
  }
}
