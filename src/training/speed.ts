/** Images per second over the last few seconds. */
export class SpeedMeter {
  private readonly marks: { time: number; images: number }[] = [{ time: performance.now(), images: 0 }];

  add(images: number): number {
    const now = performance.now();
    const last = this.marks[this.marks.length - 1];
    this.marks.push({ time: now, images: last.images + images });
    while (this.marks.length > 2 && now - this.marks[1].time > 5000) this.marks.shift();
    const [first] = this.marks;
    return ((last.images + images - first.images) / Math.max(now - first.time, 1e-3)) * 1000;
  }
}
